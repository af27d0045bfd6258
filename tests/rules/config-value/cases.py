from tests.rules.archives import configured
from tests.rules.builders import bad, good

CASES = [
    bad("a text", configured("minWorkers: 'two'\nmaxWorkers: 2\n"), "must be an integer", "`two`"),
    bad("too small", configured("batchSize: 0\n"), "becomes 1"),
    bad("a timeout", configured("responseTimeout: 0\n"), "default stays"),
    bad("a flag", configured("useVenv: 1\n"), "true or false"),
    good("right", configured("batchSize: 8\nuseVenv: true\n")),
]

from tests.rules.archives import configured
from tests.rules.builders import bad, good

CASES = [
    bad("the wrong way round", configured("minWorkers: 4\nmaxWorkers: 1\n"), "below", severity="warning"),
    bad("alone", configured("minWorkers: 4\n"), "without `maxWorkers`", severity="info"),
    good("a pair", configured("minWorkers: 1\nmaxWorkers: 4\n")),
]

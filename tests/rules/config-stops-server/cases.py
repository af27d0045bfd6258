from tests.rules.archives import configured, sample
from tests.rules.builders import bad, good

CASES = [
    bad("empty", sample("config_empty.mar"), "is empty", "NullPointerException"),
    bad("a list", sample("config_list.mar"), "no mapping"),
    bad("a number as key", sample("config_number_key.mar"), "no text"),
    good("a mapping", configured("minWorkers: 1\n")),
]

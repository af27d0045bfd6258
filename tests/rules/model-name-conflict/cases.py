from tests.rules.archives import store
from tests.rules.builders import bad, good

CASES = [
    bad(
        "twice",
        store(("a.mar", "m", "1.0"), ("b.mar", "m", "1.0")),
        "`a.mar` and `b.mar` all register `m`",
        "Invalid configuration",
    ),
    good("another version", store(("a.mar", "m", "1.0"), ("b.mar", "m", "2.0"))),
    good("another name", store(("a.mar", "m", "1.0"), ("b.mar", "n", "1.0"))),
]

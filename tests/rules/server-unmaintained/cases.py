from tests.rules.archives import store
from tests.rules.builders import bad, good

CASES = [
    bad("always", store(("a.mar", "m", "1.0"), ("b.mar", "n", "1.0")), "no longer maintained", severity="info"),
    good("no archive", store()),
]

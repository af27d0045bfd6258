from modeldoctor.facts.archive import Server
from tests.rules.archives import store
from tests.rules.builders import bad, good

CASES = [
    bad(
        "a typo",
        store(("a.mar", "m", "1.0"), server=Server("config.properties", (("model_stor", "x", 1),))),
        "did you mean `model_store`?",
        severity="warning",
    ),
    bad(
        "a variable",
        store(("a.mar", "m", "1.0"), server=Server("config.properties", (("model_store", "$$STORE$$", 1),))),
        "`STORE`",
        severity="info",
    ),
    good("known", store(("a.mar", "m", "1.0"), server=Server("config.properties", (("model_store", "x", 1),)))),
]

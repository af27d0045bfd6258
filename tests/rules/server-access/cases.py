from modeldoctor.facts.archive import Server
from tests.rules.archives import store
from tests.rules.builders import bad, good

CASES = [
    bad(
        "defaults",
        store(("a.mar", "m", "1.0"), server=Server("config.properties", ())),
        "needs a token",
        severity="info",
    ),
    good(
        "off",
        store(
            ("a.mar", "m", "1.0"),
            server=Server(
                "config.properties", (("disable_token_authorization", "true", 1), ("enable_model_api", "true", 2))
            ),
        ),
    ),
    good("before", store(("a.mar", "m", "1.0"), server=Server("config.properties", (), "0.9.0"))),
    good("no configuration", store(("a.mar", "m", "1.0"))),
]

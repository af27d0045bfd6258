from modeldoctor.findings import Where
from tests.rules.builders import bad, good
from tests.rules.serving import card, model, served

GUNICORN = {"timeout_seconds": 30.0, "timeout_what": "gunicorn's timeout", "gpus": (card(80),)}
CASES = [
    bad(
        "slow from every disk",
        served(model(40 << 10), timeout_where=Where("gunicorn.conf.py", line=3), **GUNICORN),
        "any disk", "gunicorn's timeout is 30 s", "gunicorn.conf.py", severity="warning",
    ),
    bad("slow from a network volume", served(model(4 << 10), **GUNICORN), "network volume", severity="info"),
    good("quick", served(model(200), **GUNICORN)),
    good("no timeout is known", served(model(40 << 10), gpus=(card(80),))),
]  # fmt: skip

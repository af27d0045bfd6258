from tests.rules.builders import bad, good
from tests.rules.serving import card, decoder, model, served

CASES = [
    bad(
        "certainly too many",
        served(model(4 << 10), processes=5, gpus=(card(16),)),
        "5 workers need at least",
        severity="error",
    ),
    bad(
        "how many would fit", decoder(2048, processes=3, gpus=(card(40),)), "3 workers", "2 would fit", "use 2 workers"
    ),
    bad(
        "likely too many",
        decoder(2048, processes=2, gpus=(card(32),)),
        "likely",
        "use 1 worker and",
        severity="warning",
    ),
    good("one worker", served(model(4 << 10), gpus=(card(16),))),
    good("workers that fit", decoder(2048, processes=2, gpus=(card(80),))),
    good("each on a GPU of its own", decoder(2048, processes=2, gpus=(card(24), card(24)), placement="spread")),
    good("not even one fits: another rule", served(model(24 << 10), processes=4, gpus=(card(16),))),
]

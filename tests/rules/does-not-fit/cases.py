from modeldoctor.facts.memory import Card
from tests.rules.builders import bad, good
from tests.rules.serving import card, decoder, model, served

CASES = [
    bad("weights above the memory", served(model(24 << 10), gpus=(card(16),)), "float32", "24.1 GiB", "T4", "16.0 GiB"),
    bad("half would fit", served(model(20 << 10), gpus=(card(16),)), "serve it in bfloat16", severity="error"),
    bad("a decoder with its cache", decoder(65536, gpus=(card(16),)), "at least", "KV cache"),
    bad(
        "each GPU of its own size",
        served(model(8 << 10), gpus=(card(4, "A"), card(24, "B")), placement="spread"),
        "of A",
    ),
    good("weights that fit", served(model(1024), gpus=(card(16),))),
    good("tight is no error", decoder(2048, gpus=(card(17),))),
    good(
        "hardware that is not modelled", served(model(90 << 10), gpus=(Card("MI300X", None, None, "", "not modelled"),))
    ),
    good("no GPU", served(gpus=())),
]

from tests.rules.builders import bad, good
from tests.rules.serving import card, decoder, model, served

CASES = [
    bad("likely above, certain below", decoder(2048, gpus=(card(15.5),)), "nearly all", "expect it not to fit"),
    bad("upper bound above", decoder(2048, gpus=(card(17),)), "the upper bound is", severity="warning"),
    bad("all but the activations is too much", served(model(16000), gpus=(card(16),)), "not known", "T4"),
    good("plenty of room", decoder(2048, gpus=(card(40),))),
    good("does not fit at all", decoder(2048, gpus=(card(8),))),
    good("unknown, and half empty", served(model(4000), gpus=(card(16),))),
]

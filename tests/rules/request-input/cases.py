from tests.rules.archives import NONE, eager, sample
from tests.rules.builders import bad, good

CASES = [
    bad(
        "the server's own",
        eager({"handler.py": NONE}, handler="base_handler"),
        "list of dicts",
        "Could not infer dtype of dict",
    ),
    bad("inherited", sample("based_without_preprocess.mar"), "inherits `preprocess`"),
    bad("a list", sample("based_preprocess_list.mar"), "returns a list"),
    good("its own", eager()),
    good("an envelope", eager({"handler.py": NONE}, handler="base_handler", properties="service_envelope=body\n")),
]

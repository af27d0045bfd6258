from tests.rules.archives import NONE, mar, weights
from tests.rules.builders import bad, good

CASES = [
    bad(
        "absent",
        mar({"handler.py": NONE, "m.pt": weights("net_scripted.pt")}, handler="text_classifier", serializedFile="m.pt"),
        "source_vocab.pt",
    ),
    good(
        "packed",
        mar(
            {"handler.py": NONE, "m.pt": weights("net_scripted.pt"), "source_vocab.pt": weights()},
            handler="text_classifier",
            serializedFile="m.pt",
        ),
    ),
]

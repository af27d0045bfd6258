from tests.rules.archives import BASED, checkpoint, eager, mar, sample, weights
from tests.rules.builders import bad, good

CASES = [
    bad(
        "a state_dict",
        mar({"handler.py": BASED, "model.pt": weights()}, serializedFile="model.pt"),
        "a state_dict",
        "constants.pkl",
    ),
    bad(
        "a module",
        mar({"handler.py": BASED, "model.pt": checkpoint("full_model.pt")}, serializedFile="model.pt"),
        "a pickled module",
    ),
    good("scripted", sample("good_scripted.mar")),
    good("with a class", eager({"model.pt": weights()}, serializedFile="model.pt")),
]

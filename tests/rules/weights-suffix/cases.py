from tests.rules.archives import BASED, eager, mar, sample, weights
from tests.rules.builders import bad, good

CASES = [
    bad("pth", mar({"handler.py": BASED, "model.pth": weights()}, serializedFile="model.pth"), "`.pth` not at all"),
    bad(
        "good TorchScript",
        mar({"handler.py": BASED, "model.bin": weights("net_scripted.pt")}, serializedFile="model.bin"),
        "`.bin`",
    ),
    good("pt", sample("good_scripted.mar")),
    good("with a class", eager()),
]

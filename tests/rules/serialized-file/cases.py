from tests.rules.archives import BASED, eager, mar
from tests.rules.builders import bad, good

CASES = [
    bad("eager", eager(serializedFile="weights.pth"), "`weights.pth`", "FileNotFoundError"),
    bad("scripted", mar({"handler.py": BASED}, serializedFile="model.pt"), "`model.pt`", "does not exist"),
    bad("no text", eager(serializedFile=5), "must be a text"),
    good("there", eager()),
    good("not the stock one", mar(serializedFile="model.pt")),
]

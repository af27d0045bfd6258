from tests.rules.archives import BASED, NONE, eager, handled, mar
from tests.rules.builders import bad, good

CASES = [
    bad("neither", handled(BASED), "neither `serializedFile` nor `modelFile`", "endswith"),
    bad("random", eager({"model.pth": NONE}, serializedFile=None), "random weights", severity="warning"),
    good("both", eager()),
    good("not the stock one", mar()),
]

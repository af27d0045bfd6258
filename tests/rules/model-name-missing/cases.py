from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad("none", mar(modelName=None), "no `modelName`", "Model name is not defined."),
    bad("empty", mar(modelName=""), "no `modelName`"),
    good("a number", mar(modelName=5)),
]

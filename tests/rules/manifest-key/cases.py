from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad("snake case", mar(model_file="model.py"), "did you mean `modelFile`?"),
    bad("lower case", mar(serializedfile="model.pt"), "did you mean `serializedFile`?"),
    good("something else", mar(team="vision", extensions="x.py")),
]

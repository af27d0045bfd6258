from tests.rules.archives import NET, NONE, OWN, eager, mar, sample, weights
from tests.rules.builders import bad, good

CASES = [
    bad("absent", eager({"model.py": NONE}), "not in the archive", "Missing the model.py file"),
    bad(
        "two classes",
        eager({"model.py": NET + b"\n\nclass Block(nn.Module):\n    pass\n"}),
        "2 classes (`Net` and `Block`)",
    ),
    bad("arguments", sample("model_file_arguments.mar"), "`classes`"),
    bad("a folder", eager({"nets/model.py": NET}, modelFile="nets/model.py"), "lies in a folder"),
    good("one class", eager()),
    good(
        "own loading",
        mar(
            {"handler.py": OWN, "model.py": NET + b"\n\nclass Block(nn.Module):\n    pass\n", "model.pth": weights()},
            serializedFile="model.pth",
            modelFile="model.py",
        ),
    ),
]

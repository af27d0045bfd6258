from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "python 2",
        {"old.py": 'import torch\nprint torch.load("x")  # here\n'},
        "the file was not checked: Missing parentheses",
        severity="info",
    ),
    told(
        "deep nesting",
        {"app.py": flask("net = 1\n"), "deep.py": "net = torch.load\nx = " + "(" * 300 + ")" * 300 + "  # here\n"},
        "not checked",
    ),
    quiet("python 3", flask('net = torch.load("n.pt")\n')),
    quiet("a byte order mark", {"app.py": "\ufeffimport torch\n"}),
]

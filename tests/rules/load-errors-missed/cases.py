from tests.rules.sources import flask, quiet, told

USE = '\n\n\n@app.get("/")\ndef index():\n    return str(net)\n'
CASES = [
    told(
        "two of many",
        "import pickle\n"
        + flask(
            f'try:\n    net = torch.load("n.pt")\nexcept (FileNotFoundError, pickle.UnpicklingError):  # here\n    net = None{USE}'
        ),
        "`FileNotFoundError`",
        "`UnpicklingError`",
        severity="info",
    ),
    quiet("everything", flask(f'try:\n    net = torch.load("n.pt")\nexcept Exception:\n    net = None{USE}')),
    quiet("raised again", flask(f'try:\n    net = torch.load("n.pt")\nexcept FileNotFoundError:\n    raise{USE}')),
]

from tests.rules.sources import flask, quiet, told

USE = '\n\n\n@app.get("/")\ndef index():\n    return str(net)\n'
CASES = [
    told(
        "printed",
        flask(
            f'try:\n    net = torch.load("net.pt")\nexcept Exception as e:\n    print(e)  # here\n    net = None{USE}'
        ),
        "goes on without its model",
        severity="error",
    ),
    told(
        "a missing file is only a test away",
        "import os\n"
        + flask(
            f'net = Net()\nif os.path.exists("net.pt"):  # here\n    net.load_state_dict(torch.load("net.pt")){USE}'
        ),
    ),
    quiet(
        "raised again",
        flask(f'try:\n    net = torch.load("net.pt")\nexcept Exception as e:\n    print(e)\n    raise{USE}'),
    ),
    quiet(
        "ends the process",
        "import sys\n"
        + flask(f'try:\n    net = torch.load("net.pt")\nexcept Exception as e:\n    sys.exit(str(e)){USE}'),
    ),
    quiet(
        "something else is loaded",
        flask(
            f'try:\n    net = torch.load("net.pt")\nexcept FileNotFoundError:\n    net = torch.load("fallback.pt"){USE}'
        ),
    ),
    quiet(
        "downloaded where missing",
        "import os\n"
        + flask(
            f'if os.path.exists("net.pt"):\n    net = torch.load("net.pt")\nelse:\n    raise SystemExit("no model"){USE}'
        ),
    ),
    quiet(
        "the handler answers for it",
        flask("""
        @app.get("/")
        def index():
            try:
                return torch.load("net.pt")(1)
            except Exception:
                return "failed", 500
        """),
    ),
]

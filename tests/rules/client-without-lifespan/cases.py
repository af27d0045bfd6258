from tests.rules.sources import quiet, told

APP = "import torch\nfrom fastapi import FastAPI\n\n\ndef lifespan(app):\n    app.state.net = torch.load('n.pt')\n    yield\n\n\napp = FastAPI(lifespan=lifespan)\n\n\n@app.get('/')\ndef index():\n    return 1\n"
TEST = "from fastapi.testclient import TestClient\nfrom app import app\n\n"
CASES = [
    told(
        "at module level",
        {
            "app.py": APP,
            "tests/test_app.py": TEST
            + "client = TestClient(app)  # here\n\n\ndef test_index():\n    assert client.get('/')\n",
        },
        "never starts the application",
        "`torch.load` runs at start",
        severity="warning",
    ),
    quiet(
        "entered",
        {
            "app.py": APP,
            "tests/test_app.py": TEST
            + "\ndef test_index():\n    with TestClient(app) as client:\n        assert client.get('/')\n",
        },
    ),
    quiet(
        "entered later",
        {
            "app.py": APP,
            "tests/test_app.py": TEST
            + "client = TestClient(app)\n\n\ndef test_index():\n    with client:\n        assert client.get('/')\n",
        },
    ),
    quiet(
        "nothing to start",
        {
            "app.py": "import torch\nfrom fastapi import FastAPI\n\napp = FastAPI()\nnet = torch.load('n.pt')\n",
            "tests/test_app.py": TEST + "client = TestClient(app)\n",
        },
    ),
]

from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "training mode",
        fastapi('net = Net()\n\n\n@app.post("/")\ndef index():\n    net.train()  # here\n    return 1\n'),
        "`net.train()` changes a model",
        severity="warning",
    ),
    told(
        "new weights",
        fastapi(
            'net = Net()\n\n\n@app.post("/")\ndef index(path: str):\n    net.load_state_dict(torch.load("new.pt"))  # here\n    return 1\n'
        ),
    ),
    told(
        "there and back",
        fastapi(
            'net = Net()\n\n\n@app.post("/")\ndef index():\n    net.cuda()  # here\n    y = net(1)\n    net.cpu()\n    return y\n'
        ),
        hits=2,
    ),
    quiet(
        "a model of the request",
        fastapi('@app.post("/")\ndef index():\n    net = Net()\n    net.train()\n    return 1\n'),
    ),
    quiet(
        "under a lock",
        "import threading\n"
        + fastapi(
            'net = Net()\nlock = threading.Lock()\n\n\n@app.post("/")\ndef index():\n    with lock:\n        net.train()\n    return 1\n'
        ),
    ),
    quiet(
        "replaced as a whole",
        fastapi(
            '@app.post("/")\ndef index():\n    fresh = Net()\n    fresh.load_state_dict(torch.load("new.pt"))\n    app.state.net = fresh\n    return 1\n'
        ),
    ),
]

from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "no lock",
        flask(
            'net = None\n\n\n@app.get("/")\ndef index():\n    global net\n    if net is None:\n        net = torch.load("n.pt")  # here\n    return net(1)\n'
        ),
        "nothing locks it",
        "guarded by the test of `net` in line",
        severity="info",
    ),
    told(
        "locked",
        "import threading\n"
        + flask(
            'net = None\nlock = threading.Lock()\n\n\n@app.get("/")\ndef index():\n    global net\n    with lock:\n        if net is None:\n            net = torch.load("n.pt")  # here\n    return net(1)\n'
        ),
        "runs with a request, the first: guarded",
    ),
    told(
        "by argument",
        "import functools\n"
        + flask(
            '@functools.lru_cache\ndef get(name):\n    return torch.load(name)  # here\n\n\n@app.get("/<name>")\ndef index(name):\n    return get(name)(1)\n'
        ),
        "once per argument",
    ),
    told(
        "by thread",
        "import threading\n"
        + flask(
            'local = threading.local()\n\n\n@app.get("/")\ndef index():\n    if not hasattr(local, "net"):\n        local.net = torch.load("n.pt")  # here\n    return local.net(1)\n'
        ),
        "once per thread",
    ),
    quiet(
        "warmed at start",
        "import functools\n"
        + flask(
            '@functools.cache\ndef get():\n    return torch.load("n.pt")\n\n\nget()\n\n\n@app.get("/")\ndef index():\n    return get()(1)\n'
        ),
    ),
]

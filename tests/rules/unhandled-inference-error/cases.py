from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "bare",
        flask('net = Net()\n\n\n@app.get("/predict")\ndef index():\n    return str(net(1))  # here\n'),
        "becomes a bare 500 in the handler for /predict",
        severity="info",
    ),
    told(
        "at the call that leads to it",
        flask(
            'net = Net()\n\n\ndef run(x):\n    return net(x)\n\n\n@app.get("/")\ndef index():\n    return str(run(1))  # here\n'
        ),
        "`net` is called here",
    ),
    quiet(
        "caught",
        flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    try:\n        return str(net(1))\n    except RuntimeError:\n        return "no", 422\n'
        ),
    ),
    quiet(
        "the application answers",
        flask(
            'net = Net()\n\n\n@app.errorhandler(Exception)\ndef failed(error):\n    return "no", 500\n\n\n@app.get("/")\ndef index():\n    return str(net(1))\n'
        ),
    ),
]

from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "not model",
        flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    if not net:  # here\n        return "no", 503\n    return str(net(1))\n'
        ),
        "`net` is tested for truth",
        "`if net is None:`",
        severity="info",
    ),
    told(
        "only its name says so",
        flask('model = unknown()\n\n\n@app.get("/")\ndef index():\n    return model(1) if model else ""  # here\n'),
    ),
    quiet(
        "is None",
        flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    if net is None:\n        return "no", 503\n    return str(net(1))\n'
        ),
    ),
    quiet(
        "something else",
        flask('rows = [Net()]\n\n\n@app.get("/")\ndef index():\n    return str(rows) if rows else ""\n'),
    ),
]

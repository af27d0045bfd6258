from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "500",
        "from flask import abort\n"
        + flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    if not net:\n        abort(500)  # here\n    return str(net(1))\n'
        ),
        "a missing `net` is answered with 500",
        severity="info",
    ),
    quiet(
        "503",
        "from flask import abort\n"
        + flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    if not net:\n        abort(503)\n    return str(net(1))\n'
        ),
    ),
]

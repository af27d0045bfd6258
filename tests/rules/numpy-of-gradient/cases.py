from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "with gradients",
        fastapi(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    y = net(1)\n    return y.numpy().tolist()  # here\n'
        ),
        "raises `RuntimeError`",
        severity="error",
    ),
    quiet(
        "without",
        fastapi(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    with torch.no_grad():\n        y = net(1)\n    return y.numpy().tolist()\n'
        ),
    ),
    quiet(
        "detached",
        fastapi('net = Net()\n\n\n@app.get("/")\ndef index():\n    return net(1).detach().numpy().tolist()\n'),
    ),
    quiet(
        "an index",
        fastapi('net = Net()\n\n\n@app.get("/")\ndef index():\n    return net(1).argmax().numpy().tolist()\n'),
    ),
    quiet(
        "labels of a detector",
        fastapi('net = Net()\n\n\n@app.get("/")\ndef index():\n    return net(1)[0]["labels"].numpy().tolist()\n'),
    ),
]

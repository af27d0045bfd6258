from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "nothing said",
        fastapi('net = torch.load("net.pt")  # here\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'),
        "has no `map_location`",
        severity="warning",
    ),
    told(
        "torchscript",
        fastapi('net = torch.jit.load("net.pt")  # here\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'),
        "`torch.jit.load`",
    ),
    quiet(
        "cpu",
        fastapi('net = torch.load("net.pt", map_location="cpu")\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'),
    ),
    quiet(
        "second argument",
        fastapi(
            'net = torch.load("net.pt", torch.device("cpu"))\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'
        ),
    ),
    quiet(
        "a guarded pair",
        fastapi("""
        if torch.cuda.is_available():
            net = torch.load("net.pt")
        else:
            net = torch.load("net.pt", map_location="cpu")


        @app.get("/")
        def index():
            return net(1)
        """),
    ),
    quiet("a script", 'import torch\n\nnet = torch.load("net.pt")\n'),
]

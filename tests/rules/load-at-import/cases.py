from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "a statement",
        fastapi('net = torch.load("n.pt")  # here\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'),
        "importing this module runs `torch.load`",
        severity="info",
    ),
    told(
        "an object that is made there",
        fastapi(
            'class Service:\n    def __init__(self):\n        self.net = torch.load("n.pt")\n\n\nservice = Service()  # here\n\n\n@app.get("/")\ndef index():\n    return service.net(1)\n'
        ),
        "through `Service`",
        "the load",
    ),
    quiet("at start", fastapi('@app.on_event("startup")\ndef start():\n    app.state.net = torch.load("n.pt")\n')),
]

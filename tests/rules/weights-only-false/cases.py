from tests.rules.sources import fastapi, quiet, told

USE = '\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'
CASES = [
    told(
        "said",
        fastapi(f'net = torch.load("net.pt", weights_only=False)  # here{USE}'),
        "runs whatever code",
        severity="warning",
    ),
    told(
        "and a client chooses",
        fastapi("""
        @app.get("/")
        def index(path: str):
            return torch.load(path, weights_only=False)  # here
        """),
        "a client chooses the file",
        severity="error",
    ),
    quiet("safe", fastapi(f'net = torch.load("net.pt", weights_only=True){USE}')),
    quiet(
        "a conversion script",
        'import torch\n\nnet = torch.load("net.pt", weights_only=False)\ntorch.save(net.state_dict(), "w.pt")\n',
    ),
]

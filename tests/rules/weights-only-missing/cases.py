from tests.rules.sources import fastapi, quiet, told

USE = '\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'
CASES = [
    told(
        "a whole model",
        fastapi(f'net = torch.load("net.pt")  # here{USE}'),
        "does not say `weights_only`",
        "save the `state_dict()`",
        severity="warning",
    ),
    told(
        "a state_dict", fastapi(f'net = Net()\nnet.load_state_dict(torch.load("net.pt"))  # here{USE}'), severity="info"
    ),
    told(
        "a state_dict under an old torch",
        fastapi(f'net = Net()\nnet.load_state_dict(torch.load("net.pt"))  # here{USE}'),
        torch="2.4.0",
        severity="warning",
    ),
    quiet("said", fastapi(f'net = torch.load("net.pt", weights_only=True){USE}')),
    quiet("said in a dictionary", fastapi(f'net = torch.load("net.pt", **{{"weights_only": False}}){USE}')),
    quiet("a torch without the argument", fastapi(f'net = torch.load("net.pt"){USE}'), torch="1.12.1"),
    quiet("another loader", fastapi(f'net = torch.jit.load("net.pt"){USE}')),
]

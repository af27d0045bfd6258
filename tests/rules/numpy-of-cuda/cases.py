from tests.rules.sources import fastapi, quiet, told

HEAD = 'device = torch.device("cuda" if torch.cuda.is_available() else "cpu")\nnet = Net().to(device)\n\n\n@app.get("/")\n@torch.no_grad()\ndef index(x: float):\n'
CASES = [
    told(
        "moved",
        fastapi(HEAD + "    return net(x).numpy().tolist()  # here\n"),
        "lies on the GPU where there is one",
        "`.cpu().numpy()`",
        severity="warning",
    ),
    quiet("through the CPU", fastapi(HEAD + "    return net(x).cpu().numpy().tolist()\n")),
    quiet("an assignment before", fastapi(HEAD + "    y = net(x).cpu()\n    return y.numpy().tolist()\n")),
    quiet(
        "never moved",
        fastapi(
            'net = Net()\n\n\n@app.get("/")\n@torch.no_grad()\ndef index(x: float):\n    return net(x).numpy().tolist()\n'
        ),
    ),
]

from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "a seed",
        fastapi(
            'net = Net()\n\n\n@app.get("/")\ndef index(seed: int):\n    torch.manual_seed(seed)  # here\n    return 1\n'
        ),
        "`torch.manual_seed` in a request",
        severity="warning",
    ),
    told(
        "threads, in a helper",
        fastapi(
            'def prepare():\n    torch.set_num_threads(1)  # here\n\n\n@app.get("/")\ndef index():\n    prepare()\n    return 1\n'
        ),
    ),
    quiet(
        "once",
        fastapi('torch.manual_seed(0)\ntorch.set_num_threads(1)\n\n\n@app.get("/")\ndef index():\n    return 1\n'),
    ),
    quiet(
        "a generator",
        fastapi(
            '@app.get("/")\ndef index(seed: int):\n    return torch.randn(1, generator=torch.Generator().manual_seed(seed)).tolist()\n'
        ),
    ),
]

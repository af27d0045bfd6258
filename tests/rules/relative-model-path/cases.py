from tests.rules.sources import fastapi, quiet, told

USE = '\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'
CASES = [
    told(
        "a literal",
        fastapi(f'net = torch.load("models/net.pt")  # here{USE}'),
        "`models/net.pt` is found only when",
        severity="info",
    ),
    told(
        "a constant and a parameter",
        fastapi(
            f'PATH = "net.pt"\n\n\ndef read(path):\n    return torch.load(path)  # here\n\n\nnet = read(PATH){USE}'
        ),
        "`net.pt`",
    ),
    told("a default", fastapi(f'def read(path="net.pt"):\n    return torch.load(path)  # here\n\n\nnet = read(){USE}')),
    quiet(
        "beside the code",
        "import os\nfrom pathlib import Path\n"
        + fastapi(
            f'a = torch.load(Path(__file__).parent / "n.pt")\nnet = torch.load(os.path.join(os.path.dirname(__file__), "n.pt")){USE}'
        ),
    ),
    quiet("absolute", fastapi(f'net = torch.load("/srv/net.pt"){USE}')),
    quiet("the environment", "import os\n" + fastapi(f'net = torch.load(os.environ["MODEL"]){USE}')),
    quiet(
        "the name of a hub",
        "from transformers import AutoModel\n" + fastapi(f'net = AutoModel.from_pretrained("org/name"){USE}'),
    ),
]

from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "cuda()",
        fastapi('net = Net().cuda()  # here\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'),
        "needs CUDA, and nothing asks",
        severity="warning",
    ),
    told(
        "cuda() without a GPU",
        fastapi('net = Net().to("cuda")  # here\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'),
        "the target has no GPU",
        cuda="cpu",
        severity="error",
    ),
    quiet(
        "chosen",
        fastapi("""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net = Net().to(device)


        @app.get("/")
        def index():
            return net(1)
        """),
    ),
    quiet(
        "a setting",
        "import os\n"
        + fastapi("""
        net = Net().to(os.environ["DEVICE"])


        @app.get("/")
        def index():
            return net(1)
        """),
    ),
]

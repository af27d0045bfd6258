from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "built from code",
        fastapi("""
        net = Net()
        net.load_state_dict(torch.load("net.pt"))


        @app.post("/predict")
        def predict(x: float):
            return net(x).tolist()  # here
        """),
        "`net` is used without `eval()`",
        severity="warning",
    ),
    told(
        "kept on an object",
        fastapi("""
        class Service:
            def __init__(self):
                self.net = torch.load("net.pt")  # here

            def predict(self, x):
                return self.net(x)


        service = Service()


        @app.post("/predict")
        def predict(x: float):
            return service.predict(x)
        """),
        "`self.net` is called here",
    ),
    quiet(
        "in the builder",
        fastapi("""
        def build():
            net = Net()
            net.load_state_dict(torch.load("net.pt"))
            return net.to("cpu").eval()


        net = build()


        @app.post("/predict")
        def predict(x: float):
            return net(x).tolist()
        """),
    ),
    quiet(
        "transformers",
        "from transformers import AutoModel\n"
        + fastapi("""
        net = AutoModel.from_pretrained("x")


        @app.post("/predict")
        def predict(x: float):
            return net(x).tolist()
        """),
    ),
    quiet(
        "torchscript",
        fastapi('net = torch.jit.load("n.pt")\n\n\n@app.get("/")\ndef index():\n    return net(1).tolist()\n'),
    ),
]

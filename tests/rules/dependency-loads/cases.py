from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "a function",
        fastapi("""
        def get_model(path: str = "net.pt"):
            try:
                return torch.load(path)
            except FileNotFoundError:
                raise RuntimeError("no model")


        @app.post("/predict")
        def predict(model=Depends(get_model)):  # here
            return model(1)
        """),
        "`Depends(get_model)` runs `torch.load` for every request",
        "the model is loaded here",
        "its errors are met by a request",
        severity="error",
    ),
    told(
        "a class",
        fastapi("""
        class Service:
            def __init__(self):
                self.net = torch.jit.load("net.pt")


        @app.post("/predict")
        def predict(service: Service = Depends()):  # here
            return service
        """),
        "`Depends(Service)`",
    ),
    quiet(
        "returns a global",
        fastapi("""
        net = torch.load("net.pt")


        def get_model():
            return net


        @app.post("/predict")
        def predict(model=Depends(get_model)):
            return model(1)
        """),
    ),
]

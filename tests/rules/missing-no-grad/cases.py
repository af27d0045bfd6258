from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "in the handler",
        fastapi("""
        net = Net()


        @app.post("/predict")
        def predict(x: float):
            return net(x).tolist()  # here
        """),
        "`net` is called with gradients on",
        severity="warning",
    ),
    quiet(
        "as a context, a decorator, or around the call of a helper",
        fastapi("""
        net = Net()


        @app.post("/a")
        def a(x: float):
            with torch.inference_mode():
                return net(x).tolist()


        @app.post("/b")
        @torch.no_grad()
        def b(x: float):
            return net(x).tolist()


        def run(x):
            return net(x)


        @app.post("/c")
        def c(x: float):
            with torch.no_grad():
                return run(x).tolist()
        """),
    ),
    quiet(
        "what does it itself",
        "from ultralytics import YOLO\n"
        + fastapi("""
        net = YOLO("n.pt")


        @app.post("/a")
        def a(x: float):
            return net(x)
        """),
    ),
]

from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "loaded after all",
        fastapi("""
        def read(path):
            try:
                return torch.load(path, weights_only=True)
            except Exception:
                return torch.load(path, weights_only=False)  # here


        net = read("net.pt")


        @app.get("/")
        def index():
            return net(1)
        """),
        "refused with `weights_only=True`",
        severity="warning",
    ),
    quiet(
        "a retry that stays safe",
        fastapi("""
        def read(path):
            try:
                return torch.load(path, weights_only=True)
            except RuntimeError:
                return torch.load(path, weights_only=True, map_location="cpu")


        net = read("net.pt")


        @app.get("/")
        def index():
            return net(1)
        """),
    ),
]

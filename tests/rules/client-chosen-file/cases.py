from tests.rules.sources import fastapi, flask, quiet, told

CASES = [
    told(
        "a plain parameter of a dependency",
        fastapi("""
        def get_model(path: str = "net.pt"):  # here
            return torch.load(path)


        @app.post("/predict")
        def predict(model=Depends(get_model)):
            return model(1)
        """),
        "the parameter `path` decides what `torch.load` opens and can run code from that file",
        severity="error",
    ),
    told(
        "a query argument through a helper",
        flask("""
        def read(name):
            return torch.load("models/" + name, weights_only=True)


        @app.route("/predict")
        def predict():
            name = request.args["model"]  # here
            return read(name)
        """),
        "`request.args`",
    ),
    told(
        "a part of the route",
        flask("""
        @app.route("/<name>")
        def predict(name):  # here
            return torch.load(f"models/{name}.pt")
        """),
        "the route's `name`",
    ),
    quiet(
        "names from a table",
        flask("""
        PATHS = {"small": "s.pt", "large": "l.pt"}


        @app.route("/<name>")
        def predict(name):
            return torch.load(PATHS[name])
        """),
    ),
    quiet(
        "held against what is allowed",
        flask("""
        @app.route("/<name>")
        def predict(name):
            if name not in ("small", "large"):
                return "no", 404
            return torch.load(f"models/{name}.pt")
        """),
    ),
    quiet(
        "an enumeration",
        "import enum\n"
        + fastapi("""
        class Kind(str, enum.Enum):
            small = "small"


        @app.get("/{kind}")
        def predict(kind: Kind):
            return torch.load("models/" + kind.value)
        """),
    ),
    quiet(
        "a number",
        fastapi("""
        @app.get("/{number}")
        def predict(number: int):
            return torch.load(f"models/{number}.pt")
        """),
    ),
]

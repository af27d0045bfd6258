from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "a lifespan",
        fastapi("""
        def lifespan(app):
            app.state.net = torch.load("n.pt")
            yield


        sub = FastAPI(lifespan=lifespan)
        app.mount("/ml", sub)  # here
        """),
        "`sub` has start-up code, which never runs",
        severity="error",
    ),
    told(
        "an event",
        fastapi(
            'sub = FastAPI()\n\n\n@sub.on_event("startup")\ndef start():\n    sub.state.net = torch.load("n.pt")\n\n\napp.mount("/ml", sub)  # here\n'
        ),
    ),
    quiet(
        "no start-up code",
        fastapi(
            'sub = FastAPI()\napp.mount("/ml", sub)\nnet = torch.load("n.pt")\n\n\n@sub.get("/")\ndef index():\n    return net(1)\n'
        ),
    ),
    quiet(
        "static files",
        "from fastapi.staticfiles import StaticFiles\n"
        + fastapi('app.mount("/static", StaticFiles(directory="s"))\nnet = torch.load("n.pt")\n'),
    ),
]

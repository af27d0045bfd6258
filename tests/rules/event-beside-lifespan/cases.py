from tests.rules.sources import fastapi, quiet, told

HEAD = """import torch
from contextlib import asynccontextmanager
from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    yield


app = FastAPI(lifespan=lifespan)


"""
CASES = [
    told(
        "both",
        HEAD + '@app.on_event("startup")  # here\ndef start():\n    app.state.net = torch.load("n.pt")\n',
        "`app` has a lifespan, so this event never runs",
        "made with `lifespan=` here",
        severity="error",
    ),
    quiet("events only", fastapi('@app.on_event("startup")\ndef start():\n    app.state.net = torch.load("n.pt")\n')),
]

from tests.rules.sources import fastapi, flask, quiet, told

CASES = [
    told(
        "in the route",
        flask("""
        @app.route("/predict")
        def predict():
            return jsonify(torch.load("net.pt"))  # here
        """),
        "`torch.load` runs for every request",
        "handler for /predict",
        "create_app",
        severity="error",
    ),
    told(
        "through helpers",
        {
            "views.py": "from django.urls import path\nfrom nets import build\n\n\ndef index(request):\n    return build()\n\n\n"
            'urlpatterns = [path("", index)]\n',
            "nets.py": 'import torch\n\n\nclass Net:\n    def __init__(self):\n        self.net = torch.load("n.pt")  # here\n\n\n'
            "def build():\n    return Net()\n",
        },
        "through `build` and `Net`",
        "views.py",
        "`index` calls `build`",
        "lru_cache",
    ),
    told(
        "streamlit body",
        'import streamlit as st\nimport torch\n\nst.title("x")\nnet = torch.load("net.pt")  # here\n',
        "st.cache_resource",
    ),
    told(
        "asked for",
        fastapi("""
        @app.post("/reload")
        def reload():
            app.state.net = torch.load("net.pt")  # here
        """),
        severity="info",
    ),
    told(
        "data that is no model",
        'import pickle\nfrom flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get("/")\ndef index():\n'
        '    return pickle.load(open("words.pkl", "rb"))  # here\n',
        severity="warning",
    ),
    quiet("module level", fastapi('net = torch.load("net.pt")\n\n\n@app.get("/")\ndef index():\n    return net(1)\n')),
    quiet(
        "lifespan",
        "from contextlib import asynccontextmanager\nimport torch\nfrom fastapi import FastAPI\n\n\n@asynccontextmanager\n"
        'async def lifespan(app):\n    app.state.net = torch.load("net.pt")\n    yield\n\n\napp = FastAPI(lifespan=lifespan)\n\n\n'
        '@app.get("/")\ndef index():\n    return app.state.net(1)\n',
    ),
    quiet(
        "guard on a global",
        flask("""
        net = None


        @app.get("/")
        def index():
            global net
            if net is None:
                net = torch.load("net.pt")
            return net(1)
        """),
    ),
    quiet(
        "only an architecture",
        'from flask import Flask\nfrom torchvision import models\n\napp = Flask(__name__)\n\n\n@app.get("/")\ndef index():\n'
        "    return models.resnet18(weights=None)\n",
    ),
    quiet("a script", 'import torch\n\nnet = torch.load("net.pt")\n'),
]

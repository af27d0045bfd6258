from tests.rules.sources import flask, quiet, told

LAZY = """
net = None


def get():
    global net
    if net is None:
        net = torch.load("net.pt")
    return net


@app.get("/")
def index():
    return get()(1)


"""
CASES = [
    told(
        "knows nothing",
        flask(LAZY + '@app.get("/health")\ndef health():  # here\n    return "ok"\n'),
        "`/health` answers before any model is loaded",
        severity="info",
    ),
    quiet(
        "asks",
        flask(
            LAZY
            + '@app.get("/ready")\ndef ready():\n    return ("ok", 200) if net_loaded() else ("no", 503)\n\n\ndef net_loaded():\n    return net is not None\n'
        ),
    ),
    quiet(
        "loaded before",
        flask(
            'net = torch.load("n.pt")\n\n\n@app.get("/")\ndef index():\n    return net(1)\n\n\n@app.get("/health")\ndef health():\n    return "ok"\n'
        ),
    ),
]

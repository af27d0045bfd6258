from tests.rules.sources import flask, quiet, told

POOL = """
@app.get("/")
def index():
    with Pool() as pool:  # here
        return pool.apply(len, ([],))
"""
CASES = [
    told(
        "the module loads",
        "from multiprocessing import Pool\n" + flask('net = torch.load("net.pt")\n\n\n' + POOL),
        "after the module loaded a model",
        "`torch.load` runs before",
        severity="warning",
    ),
    quiet("nothing loaded here", "from multiprocessing import Pool\n" + flask(POOL)),
]

from tests.rules.sources import fastapi, flask, quiet, told

CASES = [
    told(
        "in a function that main calls",
        flask("""
        def start():
            global net
            net = torch.load("net.pt")  # here


        @app.get("/")
        def index():
            return net(1)


        if __name__ == "__main__":
            start()
            app.run()
        """),
        "runs only under `__main__`",
        "this handler needs it",
        severity="warning",
    ),
    quiet(
        "at module level",
        flask(
            'net = torch.load("n.pt")\n\n\n@app.get("/")\ndef index():\n    return net(1)\n\n\nif __name__ == "__main__":\n    app.run()\n'
        ),
    ),
    quiet(
        "a server of its own",
        'import litserve as ls\nimport torch\n\n\nclass Api(ls.LitAPI):\n    def predict(self, x):\n        return net(x)\n\n\nif __name__ == "__main__":\n    net = torch.load("n.pt")\n    ls.LitServer(Api()).run()\n',
    ),
    quiet(
        "also on import",
        fastapi(
            'def read():\n    return torch.load("n.pt")\n\n\nnet = read()\n\n\n@app.get("/")\ndef index():\n    return net(1)\n\n\nif __name__ == "__main__":\n    read()\n'
        ),
    ),
]

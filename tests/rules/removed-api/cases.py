from tests.rules.sources import fastapi, flask, quiet, told

HOOK = '@app.before_first_request\ndef start():\n    app.net = torch.load("n.pt")\n'
LIFESPAN = "from contextlib import asynccontextmanager\nimport torch\nfrom fastapi import FastAPI\n\n\n@asynccontextmanager\nasync def lifespan(app):\n    app.state.net = torch.load('n.pt')\n    yield\n\n\napp = FastAPI(lifespan=lifespan)"
CASES = [
    told(
        "no pin",
        flask(HOOK.replace("request\n", "request  # here\n", 1)),
        "`Flask.before_first_request` does not exist in flask since 2.3.0",
        "AttributeError",
        severity="error",
    ),
    told(
        "a pin that lacks it",
        {"app.py": flask(HOOK.replace("request\n", "request  # here\n", 1)), "requirements.txt": "flask==3.0.3\n"},
        "flask 3.0.3",
        "requirements.txt:1",
    ),
    told(
        "not there yet",
        {"app.py": LIFESPAN + "  # here\n", "requirements.txt": "fastapi==0.92.0\n"},
        "`FastAPI.lifespan` does not exist in fastapi 0.92.0",
    ),
    quiet("a pin that has it", {"app.py": flask(HOOK), "requirements.txt": "flask==2.2.5\n"}),
    quiet("there already", {"app.py": LIFESPAN + "\n", "requirements.txt": "fastapi==0.110.0\n"}),
    quiet(
        "a method of one's own",
        fastapi(
            'class Hooks:\n    def before_first_request(self, f):\n        return f\n\n\nhooks = Hooks()\n\n\n@hooks.before_first_request\ndef start():\n    torch.load("n.pt")\n'
        ),
    ),
]

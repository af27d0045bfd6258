from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "flask",
        flask(
            'net = torch.load("n.pt")\n\n\n@app.get("/")\ndef index():\n    return net(1)\n\n\nif __name__ == "__main__":\n    app.run(debug=True)  # here\n'
        ),
        "the reloader loads the model in two processes",
        "runs twice",
        severity="warning",
    ),
    told(
        "uvicorn",
        {
            "main.py": 'import torch\nimport uvicorn\nfrom fastapi import FastAPI\n\napp = FastAPI()\nnet = torch.load("n.pt")\n\nif __name__ == "__main__":\n    uvicorn.run("main:app", reload=True)  # here\n'
        },
    ),
    quiet(
        "off",
        flask(
            'net = torch.load("n.pt")\n\n\n@app.get("/")\ndef index():\n    return net(1)\n\n\nif __name__ == "__main__":\n    app.run(debug=False)\n'
        ),
    ),
    quiet(
        "a setting",
        "import os\n"
        + flask(
            'net = torch.load("n.pt")\n\nif __name__ == "__main__":\n    app.run(debug=bool(os.environ.get("DEBUG")))\n'
        ),
    ),
]

from tests.rules.sources import fastapi, flask, quiet, told

CASES = [
    told(
        "a key",
        flask(
            'net = Net()\n\n\n@app.post("/")\ndef index():\n    data = request.get_json()\n    x = data["input"]  # here\n    return str(net(x))\n'
        ),
        "`input` is taken from the body unchecked",
        "the body is read here",
        severity="warning",
    ),
    told(
        "a bare list",
        "from pydantic import BaseModel\n"
        + fastapi(
            'net = Net()\n\n\nclass Input(BaseModel):\n    rows: list  # here\n\n\n@app.post("/")\ndef index(data: Input):\n    return net(data.rows).tolist()\n'
        ),
        "the field `rows`",
    ),
    told(
        "half caught",
        flask(
            'net = Net()\n\n\n@app.post("/")\ndef index():\n    data = request.get_json()\n    try:\n        x = float(data["x"])  # here\n    except (KeyError, ValueError):\n        return "no", 400\n    return str(net(x))\n'
        ),
        "raises `TypeError`",
        severity="info",
    ),
    quiet(
        "asked first",
        flask(
            'net = Net()\n\n\n@app.post("/")\ndef index():\n    data = request.get_json()\n    if "x" not in data:\n        return "no", 400\n    return str(net(data["x"]))\n'
        ),
    ),
    quiet(
        "caught",
        flask(
            'net = Net()\n\n\n@app.post("/")\ndef index():\n    data = request.get_json()\n    try:\n        return str(net(data["x"]))\n    except (KeyError, TypeError):\n        return "no", 400\n'
        ),
    ),
    quiet(
        "described",
        "from pydantic import BaseModel, Field\n"
        + fastapi(
            'net = Net()\n\n\nclass Input(BaseModel):\n    rows: list[float] = Field(max_length=9)\n\n\n@app.post("/")\ndef index(data: Input):\n    return net(data.rows).tolist()\n'
        ),
    ),
    quiet("no model here", flask('@app.post("/")\ndef index():\n    return request.get_json()["x"]\n')),
]

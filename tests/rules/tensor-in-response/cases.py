from tests.rules.sources import fastapi, flask, quiet, told

DJANGO = "import torch\nfrom django.http import HttpResponse\nfrom django.urls import path\n\n\nclass Net(torch.nn.Module):\n    pass\n\n\nnet = Net()\n\n\n"
CASES = [
    told(
        "fastapi",
        fastapi('net = Net()\n\n\n@app.get("/")\ndef index():\n    y = net(1)\n    return {"y": y}  # here\n'),
        "FastAPI sends `{}`",
        severity="error",
    ),
    told(
        "jsonify",
        flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    y = torch.softmax(net(1), 0)\n    return jsonify({"y": y[0]})  # here\n'
        ),
        "`TypeError` and a 500",
        severity="error",
    ),
    told(
        "its text",
        DJANGO
        + 'def index(request):\n    return HttpResponse(str(net(1)))  # here\n\n\nurlpatterns = [path("", index)]\n',
        "the text of a tensor",
        severity="warning",
    ),
    told(
        "through a helper",
        fastapi(
            'net = Net()\n\n\ndef run(x):\n    return net(x).cpu()\n\n\n@app.get("/")\ndef index():\n    return {"y": run(1)}  # here\n'
        ),
    ),
    quiet(
        "tolist",
        fastapi(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    return {"y": net(1).tolist(), "shape": net(1).shape}\n'
        ),
    ),
    quiet(
        "item of argmax",
        flask(
            'net = Net()\n\n\n@app.get("/")\ndef index():\n    y = net(1).argmax().item()\n    return jsonify({"y": y})\n'
        ),
    ),
    quiet(
        "a label",
        flask(
            'net = Net()\nLABELS = ["a"]\n\n\n@app.get("/")\ndef index():\n    y = net(1)\n    return jsonify({"y": LABELS[int(y.argmax())]})\n'
        ),
    ),
]

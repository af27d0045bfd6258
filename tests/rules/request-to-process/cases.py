from tests.rules.sources import quiet, told

HEAD = """import torch
from django.urls import path
from multiprocessing import Pool


def work(data):
    return torch.load("n.pt")(data)


"""
CASES = [
    told(
        "the request",
        HEAD
        + "def index(request):\n    with Pool() as pool:\n        return pool.apply_async(work, (request,)).get()  # here\n",
        "`request` is sent to another process",
        severity="error",
    ),
    quiet(
        "its bytes",
        HEAD
        + "def index(request):\n    data = request.body\n    with Pool() as pool:\n        return pool.apply(work, (data,))\n",
    ),
]

from pathlib import Path

from modeldoctor.facts.source import Source
from modeldoctor.readers.source.read import read_source
from tests.rules.builders import bad, good
from tests.rules.sources import fastapi, files_of, quiet, told

USE = '\n\n\n@app.get("/")\ndef index():\n    return net(1)\n'


def with_file(code, build):
    """A project with the file that its code names."""

    def make(folder: Path) -> Source:
        import torch

        torch.save(build(torch), folder / "net.pt")
        (folder / "app.py").write_text(files_of(code)["app.py"], encoding="utf-8")
        return read_source(str(folder), ".")

    return make


CALLED = fastapi(f'net = torch.load("net.pt", weights_only=False)\nnet.eval(){USE}')
GIVEN = fastapi(f'net = Net()\nnet.load_state_dict(torch.load("net.pt")){USE}')

CASES = [
    told(
        "called",
        fastapi(f'net = torch.load("net.pt")  # here{USE}'),
        "the default of torch 2.6 and later refuses",
        severity="error",
    ),
    told(
        "refused by its own argument",
        fastapi(f'net = torch.load("net.pt", weights_only=True).eval()  # here{USE}'),
        "`weights_only=True`",
        severity="error",
    ),
    told(
        "before torch 2.6",
        fastapi(f'net = torch.load("net.pt")  # here{USE}'),
        "runs code",
        torch="2.4.0",
        severity="warning",
    ),
    bad(
        "a state_dict that is called",
        with_file(CALLED, lambda torch: torch.nn.Linear(1, 1).state_dict()),
        "returns a state_dict here, which is used as a model",
        severity="error",
    ),
    bad(
        "a model that is given to load_state_dict",
        with_file(GIVEN, lambda torch: torch.nn.Linear(1, 1)),
        "returns a whole model here",
        severity="error",
    ),
    good("the file fits", with_file(GIVEN, lambda torch: torch.nn.Linear(1, 1).state_dict())),
    quiet(
        "given to load_state_dict",
        fastapi(f'net = Net()\nstate = torch.load("net.pt")\nnet.load_state_dict(state["model"]){USE}'),
    ),
    quiet("allowed to pickle", fastapi(f'net = torch.load("net.pt", weights_only=False){USE}')),
]

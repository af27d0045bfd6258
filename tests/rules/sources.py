"""Builders for tests of rules on source code: a small project, and the line where the finding must stand.

    told("a view that loads", FASTAPI + '''
    @app.get("/")
    def index():
        return torch.load("net.pt")  # here
    ''', "runs for every request")

Files are given as one text (`app.py`) or by path. The line that ends in `# here` is where the hit must stand.
"""

from pathlib import Path
from textwrap import dedent
from typing import Any

from modeldoctor.facts.source import Source
from modeldoctor.readers.source.read import read_source
from tests.rules.builders import Case, Make, bad, good

Files = str | dict[str, str]


def files_of(files: Files) -> dict[str, str]:
    """The files of a project by path."""
    given = {"app.py": files} if isinstance(files, str) else files
    return {path: dedent(text).lstrip("\n") for path, text in given.items()}


def source(files: Files) -> Make:
    """A function that writes the files into a folder and reads them."""

    def make(folder: Path) -> Source:
        for path, text in files_of(files).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        return read_source(str(folder), ".")

    return make


def told(name: str, files: Files, *says: str, **options: Any) -> Case:
    """A project that the rule must report, at the line that ends in `# here`."""
    places = [
        f"{path}:{number}"
        for path, text in files_of(files).items()
        for number, line in enumerate(text.splitlines(), 1)
        if line.endswith("# here")
    ]
    assert len(places) == 1, f"{name}: one line must end in `# here`"
    return bad(name, source(files), *places, *says, **options)


def quiet(name: str, files: Files, **options: Any) -> Case:
    """A project that the rule must be silent about."""
    return good(name, source(files), **options)


def fastapi(body: str) -> str:
    """A FastAPI application with a model class."""
    return _HEAD + dedent(body).lstrip("\n")


def flask(body: str) -> str:
    """A Flask application with a model class."""
    return _FLASK + dedent(body).lstrip("\n")


_NET = """
class Net(torch.nn.Module):
    def forward(self, x):
        return x


"""
_HEAD = "import torch\nfrom fastapi import Depends, FastAPI, Request\n\napp = FastAPI()\n\n" + _NET.lstrip("\n")
_FLASK = "import torch\nfrom flask import Flask, jsonify, request\n\napp = Flask(__name__)\n\n" + _NET.lstrip("\n")

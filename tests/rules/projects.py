"""Projects from texts, as the facts that the version rules judge."""

from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.skew import Skew
from modeldoctor.predict.target import skew_of
from tests.readers.project.texts import project

HOST = "https://mirror.example"


def skew(files: dict[str, str] | str, *, gpus: str | None = None, **target: str) -> Skew:
    """The facts of a project under a target: `skew("torch==2.1.0", gpus="t4", driver="535")`.

    A bare text is a requirements.txt; `gpus` are names with commas between, `""` is a host without one.
    """
    if isinstance(files, str):
        files = {"requirements.txt": files}
    known = {name: Value(text, f"--{name}") for name, text in target.items()}
    cards = None if gpus is None else tuple(Value(name.strip(), "--gpu") for name in gpus.split(",") if name)
    return skew_of(project(**files), Target(gpus=cards, **known))


def docker(*lines: str, base: str = "python:3.12-slim", **files: str) -> dict[str, str]:
    """A Dockerfile with these lines after FROM, and more files."""
    return {"Dockerfile": "\n".join([f"FROM {base}", *lines]) + "\n", **files}

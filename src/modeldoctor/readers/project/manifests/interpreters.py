"""Files that only name a Python version: .python-version, runtime.txt, .tool-versions, mise.toml, CI workflows."""

import re
from collections.abc import Iterator

from modeldoctor.facts.pins import Flaw, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import toml, yaml_nodes
from modeldoctor.readers.project.manifests.images import read_image
from modeldoctor.readers.project.manifests.yaml_nodes import Node

MAX_VALUES = 200
MAX_VISITS = 20_000

_VERSION = re.compile(r"(?:c?python-?)?(3(?:\.\d+){0,2})(?:[a-z]+\d*)?(?:-dev|t)?$", re.IGNORECASE)
# GitHub Actions, Azure Pipelines, Travis, and the matrices they are filled from.
_CI_KEYS = {"python-version", "python_version", "pythonversion", "python", "versionspec", "py", "python-versions"}


def python_pin(text: str, path: str, line: int | None) -> Pin | None:
    """A statement about the interpreter from a plain version; None for another implementation or a variable."""
    found = _VERSION.match(text.strip().strip("\"'"))
    if found is None:
        return None
    version = found[1]
    if version == "3":
        return Pin("python", ">=3", text.strip(), path, line)
    exact = version.count(".") == 2
    return Pin("python", f"=={version}" if exact else f"=={version}.*", text.strip(), path, line)


def read_plain(text: str, path: str) -> Manifest:
    """.python-version (pyenv, uv) and runtime.txt (`python-3.10.4`): the first line that names one counts."""
    for number, line in enumerate(text.splitlines()[:MAX_VALUES], 1):
        pin = python_pin(line.split("#")[0], path, number) if line.strip() else None
        if pin is not None:
            return Manifest(path, "python-version", "understood", Step("python", path, None, (pin,)))
    return Manifest(path, "python-version", "not understood")


def read_tool_versions(text: str, path: str) -> Manifest:
    """.tool-versions (asdf, mise): `python 3.11.4 3.10.1`; the first one is the default."""
    for number, line in enumerate(text.splitlines()[:MAX_VALUES], 1):
        words = line.split("#")[0].split()
        if words[:1] == ["python"] and len(words) > 1 and (pin := python_pin(words[1], path, number)):
            return Manifest(path, "python-version", "understood", Step("python", path, None, (pin,)))
    return Manifest(path, "python-version", "understood")


def read_mise(text: str, path: str) -> Manifest:
    """mise.toml: `[tools] python = "3.11"`, a list, or a table with `version`."""
    flaws: list[Flaw] = []
    for statement in toml.statements(text.splitlines(), path, flaws):
        if statement.path[:2] != ("tools", "python"):
            continue
        found = toml.value(statement)
        first = found[0] if isinstance(found, list) and found else found
        first = first.get("version") if isinstance(first, dict) else first
        pin = python_pin(str(first), path, statement.line)
        if pin is not None:
            return Manifest(path, "python-version", "understood", Step("python", path, None, (pin,)))
    return Manifest(path, "python-version", "understood", flaws=tuple(flaws))


def read_ci(text: str, path: str) -> Manifest:
    """The Python versions that a CI configuration names."""
    flaws: list[Flaw] = []
    roots = yaml_nodes.documents(text, path, flaws)
    pins = tuple(pin for root in roots for pin in _versions(root, path))[:MAX_VALUES]
    # A workflow that doesn't parse concerns the CI, not what is deployed: no flaw of the environment.
    return Manifest(path, "ci", "not understood" if flaws else "understood", Step("ci", path, None, pins))


def _versions(root: Node, path: str) -> Iterator[Pin]:
    todo: list[tuple[str, Node]] = [("", root)]
    for _ in range(MAX_VISITS):
        if not todo:
            return
        key, node = todo.pop()
        if node.text is not None:
            if key in _CI_KEYS:
                pin = python_pin(node.text, path, node.line)
            elif key == "image":
                image = read_image(node.text, path, node.line)
                pin = python_pin(image.python, path, node.line) if image.python else None
            else:
                pin = None
            if pin is not None:
                yield pin
        todo += [(key, item) for item in reversed(node.items or [])]
        todo += [((name.text or "").lower(), value) for name, value in reversed(node.pairs or [])]

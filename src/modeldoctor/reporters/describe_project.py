"""What a project installs and what its code does with models, in a person's words."""

from collections.abc import Iterator
from typing import Any

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.facts.source import ModelLoad, Source
from modeldoctor.reporters.text import clip
from modeldoctor.wording import count

# Loads told without -v; a repository with more is read file by file anyway.
SHOWN_LOADS = 8
# Text of one load's file or loader that still fits beside the rest.
_WIDTH = 48

_WHEN = {
    "per_request": "per request",
    "background": "in a background task",
    "lazy": "once, when first used",
    "at_startup": "once, at start-up",
    "at_import": "once, at import",
    "script": "only in a script",
    "unknown": "nobody calls it",
}


def facts(of: Any, *, verbose: bool) -> Iterator[tuple[str, str]]:
    """Labels and texts of a project's facts; nothing for facts of another kind."""
    if isinstance(of, Skew):
        yield from _installs(of, verbose=verbose)
    elif isinstance(of, Source):
        yield from _code(of, verbose=verbose)


def _installs(skew: Skew, *, verbose: bool) -> Iterator[tuple[str, str]]:
    shown = skew.environments if verbose else skew.environments[:3]
    for index, environment in enumerate(shown):
        yield ("installs" if index == 0 else "also"), f"{environment.name}: {_packages(environment)}"
    if len(skew.environments) > len(shown):
        yield "also", f"{count(len(skew.environments) - len(shown), 'more file')} (-v lists them)"


def _packages(environment: Environment) -> str:
    image = environment.installation.image
    named = [environment.packages.get(name) for name in ("torch", "torchvision", "numpy")]
    parts = [_package(package) for package in named if package is not None]
    if environment.python.version:
        parts.append(f"Python {environment.python.version}")
    if image is not None:
        parts.append(f"on {image.reference}")
    return ", ".join(parts) or "no torch"


def _package(package: Package) -> str:
    version = package.version or "any release"
    variant = f"+{package.variant}" if package.variant and package.version else ""
    open_ = "" if package.certain or not package.version else " (not pinned)"
    return f"{package.name} {version}{variant}{open_}"


def _code(source: Source, *, verbose: bool) -> Iterator[tuple[str, str]]:
    frameworks = ", ".join(source.frameworks)
    entries = f"{count(source.entries, 'entry point')} of {frameworks}" if source.entries else "no web framework in it"
    yield "code", f"{count(source.files, 'Python file')}, {entries}"
    order = list(_WHEN)
    loads = sorted(source.loads, key=lambda load: (order.index(load.when), load.where.path, load.where.line))
    served = [load for load in loads if load.when not in {"script", "unknown"}]
    shown = loads if verbose else served[:SHOWN_LOADS]
    for load in shown:
        yield "model", _load(load)
    left = len(loads) - len(shown)
    if left:
        yield (
            "model",
            f"{count(left, 'more load')}, {'most' if len(served) > len(shown) else 'all'} in scripts (-v lists them)",
        )


def _load(load: ModelLoad) -> str:
    """`weights/net.pt  torch.load in app.py:14  per request`."""
    what = clip(load.file.text, _WIDTH) if load.file.text else ""
    place = f"{load.loader} at {load.where.path}:{load.where.line}"
    return f"{what + ', ' if what else ''}{place}, {_WHEN[load.when]}"

"""What TorchServe will do with an archive: unpack and register it, load a worker, answer a request.

The steps follow the code of TorchServe 0.12.0: the frontend in Java, the worker in Python. Each step looks at its own
part of the facts, so that everything is said at once, not only what the server stops at first.
"""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.facts.environment import Target
from modeldoctor.predict.torchserve.config import configuration
from modeldoctor.predict.torchserve.faults import Fault
from modeldoctor.predict.torchserve.handler import entry, resolution, shadows
from modeldoctor.predict.torchserve.imports import imports, requirements, syntax
from modeldoctor.predict.torchserve.requests import at_start, requests
from modeldoctor.predict.torchserve.texts import compile_options, label_mapping, profiling
from modeldoctor.predict.torchserve.unpack import manifest, unpacking
from modeldoctor.predict.torchserve.weights import applied, own_loading, stock

_remembered: list[tuple[Archive, Target, tuple[Fault, ...]]] = []


def faults(archive: Archive, target: Target) -> tuple[Fault, ...]:
    """All faults of an archive. Every rule asks for them, so those of the last archive are remembered."""
    for known, aimed, found in _remembered:
        if known is archive and aimed == target:
            return found
    _remembered[:] = [(archive, target, tuple(_all(archive, target)))]
    return _remembered[0][2]


def _all(archive: Archive, target: Target) -> Iterator[Fault]:
    yield from unpacking(archive)
    yield from manifest(archive)
    if archive.manifest.absent or not isinstance(archive.manifest.frontend, dict):
        return
    yield from configuration(archive)
    yield from requirements(archive, target)
    yield from shadows(archive)
    yield from resolution(archive)
    yield from syntax(archive)
    yield from imports(archive)
    yield from entry(archive)
    yield from at_start(archive)
    yield from stock(archive, target)
    yield from own_loading(archive, target)
    yield from applied(archive)
    yield from compile_options(archive)
    yield from label_mapping(archive)
    yield from profiling(archive)
    yield from requests(archive, target)

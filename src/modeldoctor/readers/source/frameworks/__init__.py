"""Frameworks: one file each. To add one, write its file and name it here."""

from modeldoctor.readers.source.frameworks import apps, django, fastapi, flask, model_servers, others, tasks
from modeldoctor.readers.source.frameworks.base import CONTEXTS, Entry, Framework, lookup

FRAMEWORKS: tuple[Framework, ...] = tuple(
    module.FRAMEWORK for module in (fastapi, flask, django, tasks, model_servers, apps, others)
)


def registers(name: str) -> bool:
    """Whether a function given to this one is kept by a framework, to be called by it later."""
    return any(lookup(framework.calls, name) is not None for framework in FRAMEWORKS)


__all__ = ["CONTEXTS", "FRAMEWORKS", "Entry", "Framework", "registers"]

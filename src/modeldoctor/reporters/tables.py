"""The tables that verdicts rest on, as text and JSON."""

from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from modeldoctor.predict.compat import STALE_AFTER_DAYS, newest
from modeldoctor.reporters import json
from modeldoctor.reporters.text import line, render
from modeldoctor.tables import table
from modeldoctor.wording import count

# Names, what each holds, and where its rows lie.
_TABLES = (
    ("compat", "torch releases: Python, CUDA builds, GPU code, companions, drivers, glibc", "releases"),
    ("gpus", "GPUs: compute capability, memory, names of clouds", "gpus"),
    ("containers", "images: NGC, AWS, TorchServe, and how their tags are read", "ngc"),
    ("ecosystem", "packages around torch and the torch they need", "floor"),
    ("web", "names that web frameworks removed, and what they need", "removed"),
    ("torch_loading", "what each release does when it loads a file", "releases"),
    ("torch_names", "modules and names of torch by release", "modules"),
    ("torch_operators", "operators of TorchScript by release", "operators"),
    ("globals", "what the names in a pickle are, and which of them are dangerous", "builders"),
    ("packages", "modules and the packages they come from", "renamed"),
    ("loaders", "functions that load a model", "loaders"),
    ("memory", "what CUDA, the allocator and the host take", "allocator"),
    ("torchserve", "TorchServe by release", "releases"),
)


class Table(NamedTuple):
    """`as_of` is the day of collection (ISO 8601), `rows` how many there are of what `holds` names first."""

    name: str
    holds: str
    as_of: str
    rows: int
    sources: tuple[str, ...]


def listed() -> tuple[Table, ...]:
    """Every table of the package."""
    return tuple([_read(name, holds, rows) for name, holds, rows in _TABLES])


def _read(name: str, holds: str, rows: str) -> Table:
    data = table(name)
    return Table(name, holds, data["as_of"], len(data[rows]), tuple(dict.fromkeys(_sources(data))))


def _sources(data: Any) -> Iterator[str]:
    for key in ("sources", "source"):
        found = data.get(key, ())
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            yield from (f"{name}: {text}" for name, text in found.items())
        else:
            yield from map(str, found)


def tables_json() -> str:
    """`modeldoctor/tables/v1`."""
    document = {"schema": "modeldoctor/tables/v1", "tool": json.TOOL, "newest_torch": newest().version}
    return json.dumps({**document, "tables": [found._asdict() for found in listed()], "errors": []})


def tables_text(today: date, *, color: bool = False, columns: int | None = None) -> str:
    """One table per line; those that are old are marked."""
    found = listed()
    width = max(len(each.name) for each in found)
    rows = []
    for each in found:
        days = (today - date.fromisoformat(each.as_of)).days
        old = (f"  ({count(days, 'day')} old)", "warning") if days > STALE_AFTER_DAYS else ("", "")
        rows.append(line((f"{each.name:<{width}}", "code"), f"  {each.as_of}", old, f"  {each.holds}", hang=width + 14))
    last = f"{count(len(found), 'table')}; newest torch: {newest().version}; a newer modeldoctor has newer ones"
    return render([*rows, line(), line((last, "dim"))], color=color, width=columns)

"""The torch releases whose loading was measured, what each of them does, and where another release stands."""

import re
from functools import cache
from typing import Any, NamedTuple

from modeldoctor.tables import table

# A release as order sees it: only the first two parts. Patch releases do not change what is loaded.
Key = tuple[int, int]


class Column(NamedTuple):
    """One measured release. `python` and `numpy` are those it was measured with, and the defaults for it.

    `does` names behaviours (facts/torch_loading.yaml); `allowed`, `opcodes` and `blocked` are the restricted loader's.
    `zip_max` is the highest archive version it reads, `schema` the version of torch.export programs.
    """

    release: str
    key: Key
    python: Key
    numpy: Key
    does: frozenset[str]
    allowed: frozenset[str]
    opcodes: frozenset[str]
    blocked: frozenset[str]
    zip_max: int
    schema: tuple[int, int] | None


_VERSION = re.compile(
    r"v?(\d{1,9})\.(\d{1,9})(?:\.\d+)*(?:[._-]?(?:a|b|rc|alpha|beta|pre|dev|post)[._-]?\d*)*(?:\+[\w.+-]+)?", re.ASCII
)


def parse(version: str) -> Key | None:
    """The first two numbers of a version (`2.6.0+cu124` → (2, 6)), or None for what is none (PEP 440)."""
    found = _VERSION.fullmatch(version.strip())
    return (int(found[1]), int(found[2])) if found else None


def within(span: str, key: Key) -> bool:
    """Whether a release lies in a span: `` (always), `A` (from A on), `A-B`, `-B`."""
    first, _, last = span.partition("-")
    return (not first or key >= _key(first)) and (not last or key <= _key(last))


@cache
def _key(version: str) -> Key:
    key = parse(version)
    assert key, version
    return key


@cache
def columns() -> tuple[Column, ...]:
    """The measured releases, oldest first."""
    data = table("torch_loading")
    return tuple([_column(data, release, row) for release, row in data["releases"].items()])


def _column(data: Any, release: str, row: Any) -> Column:
    key = _key(release)
    schema = row.get("export_schema")
    return Column(
        release,
        key,
        _key(row["python"]),
        _key(row["numpy"]),
        _members(data["behaviours"], key),
        _members(data["allowed"], key),
        _members(data["opcodes"], key),
        frozenset(row.get("blocked", ())),
        step(data["zip_version_max"], key),
        (schema[0], schema[1]) if schema else None,
    )


def _members(spans: dict[str, str], key: Key) -> frozenset[str]:
    return frozenset([name for name, span in spans.items() if within(span, key)])


def step(changes: dict[str, Any], key: Key) -> Any:
    """The value that the last release up to this one set; None before the first."""
    found = None
    for release, value in changes.items():
        if _key(release) <= key:
            found = value
    return found


@cache
def columns_for(release: str) -> tuple[Column, ...]:
    """The column of that minor release; the two around it when it was not measured; none outside the table."""
    key = parse(release)
    known = columns()
    if key is None or not known[0].key <= key <= known[-1].key:
        return ()
    same = [column for column in known if column.key == key]
    if same:
        return (same[-1],)
    return (
        [column for column in known if column.key < key][-1],
        next(column for column in known if column.key > key),
    )

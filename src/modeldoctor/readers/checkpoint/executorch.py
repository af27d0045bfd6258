"""ExecuTorch programs: which methods they have, on which backends they run, and whether the file is whole.

A flatbuffer (executorch/schema/program.fbs, identifier ET12), behind whose program data segments follow as the extended
header says (executorch/schema/extended_header.cpp).
"""

import struct
from collections.abc import Iterator
from itertools import islice

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint, Problem
from modeldoctor.storage import Source
from modeldoctor.wording import size

# What is looked at: more methods, operators, backends, segments and bytes of a name than programs have.
MAX_METHODS = 32
MAX_ITEMS = 500
_MAX_NAME_BYTES = 256
# Numbers of the fields that are read, in the order of the schema.
_VERSION, _PLANS, _SEGMENTS = 0, 1, 4
_NAME, _OPERATORS, _DELEGATES = 0, 6, 7


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Describe the program. Never raises for content."""
    del sniffed
    advice = "run it with the ExecuTorch runtime: torch.load can't open it"
    blank = blank._replace(state="recognised", advice=advice)
    try:
        extras = _describe(_Table.root(source))
        problems = _cut(source)
    except (struct.error, RecursionError) as error:
        text = f"the program can't be read: {error}"
        return blank._replace(state="unreadable", problems=(*blank.problems, Problem("damaged", text)))
    return blank._replace(extras=extras, problems=blank.problems + problems)


def _describe(program: "_Table") -> tuple[tuple[str, object], ...]:
    plans = list(islice(program.tables(_PLANS), MAX_METHODS))
    operators = {operator.text(0) for plan in plans for operator in plan.tables(_OPERATORS)}
    delegates = {delegate.text(0) for plan in plans for delegate in plan.tables(_DELEGATES)}
    return (
        ("schema_version", program.uint(_VERSION)),
        ("methods", tuple(plan.text(_NAME) for plan in plans)),
        ("operators", tuple(sorted(operators))),
        ("backends", tuple(sorted(delegates))),
    )


def _cut(source: Source) -> tuple[Problem, ...]:
    """Whether the program and its segments reach beyond the end of the file."""
    head = source.read_at(8, 24)
    if head[:4] != b"eh00" or len(head) < 24:
        return ()  # a program without segments, as before ExecuTorch 0.2
    program_bytes, base = struct.unpack_from("<QQ", head, 8)
    segments = _Table.root(source).tables(_SEGMENTS)
    end = max([program_bytes, *(base + segment.ulong(0) + segment.ulong(1) for segment in segments)])
    if end <= source.size:
        return ()
    text = f"{size(end - source.size)} are missing at the end of the file"
    return (Problem("truncated", text, byte=source.size),)


class _Table:
    """A flatbuffer table: reads raise struct.error when they lead out of the file."""

    def __init__(self, source: Source, position: int) -> None:
        self.source = source
        self.position = position
        self.fields = position - _unpack(source, "<i", position)
        self.fields_bytes = _unpack(source, "<H", self.fields)

    @classmethod
    def root(cls, source: Source) -> "_Table":
        """The table that the first four bytes point to."""
        return cls(source, _unpack(source, "<I", 0))

    def field(self, number: int) -> int | None:
        """Where the value of a field stands; None for a default."""
        place = 4 + 2 * number
        offset = _unpack(self.source, "<H", self.fields + place) if place < self.fields_bytes else 0
        return self.position + offset if offset else None

    def uint(self, number: int) -> int:
        """An unsigned 32-bit number."""
        place = self.field(number)
        return 0 if place is None else _unpack(self.source, "<I", place)

    def ulong(self, number: int) -> int:
        """An unsigned 64-bit number."""
        place = self.field(number)
        return 0 if place is None else _unpack(self.source, "<Q", place)

    def text(self, number: int) -> str:
        """A text, cut when it is too long."""
        place = self.field(number)
        if place is None:
            return ""
        start = place + _unpack(self.source, "<I", place)
        length = min(_unpack(self.source, "<I", start), _MAX_NAME_BYTES)
        return self.source.read_at(start + 4, length).decode("utf-8", "replace")

    def tables(self, number: int) -> Iterator["_Table"]:
        """A vector of tables, the first MAX_ITEMS of them."""
        place = self.field(number)
        if place is None:
            return
        start = place + _unpack(self.source, "<I", place)
        for index in range(min(_unpack(self.source, "<I", start), MAX_ITEMS)):
            item = start + 4 + 4 * index
            yield _Table(self.source, item + _unpack(self.source, "<I", item))


def _unpack(source: Source, code: str, place: int) -> int:
    if place < 0:
        raise struct.error("an offset leads out of the file")
    data = source.read_at(place, struct.calcsize(code))
    value: int = struct.unpack(code, data)[0]
    return value

"""Sizes that are better looked at than read: bars by dtype and by part."""

from modeldoctor.facts.checkpoint import Anatomy
from modeldoctor.reporters.text import Line, clip, line, printable
from modeldoctor.wording import memory, share

LABEL_WIDTH = 11
NAME_WIDTH = 24
BAR_WIDTH = 24

# With shares below this (counters beside weights) a bar says no more than the count of tensors does.
LEAST = 0.02

# More rows than these say less.
ROWS = 8


def bars(anatomy: Anatomy, width: int) -> list[Line]:
    """Bars by dtype where several matter, and by part where several hold tensors."""
    lines = []
    if any(LEAST <= value / (anatomy.storage_bytes or 1) <= 1 - LEAST for _, value in anatomy.bytes_by_dtype):
        lines += _bars("dtypes", list(anatomy.bytes_by_dtype), width)
    parts = [(part.name, part.size_bytes) for part in anatomy.parts if part.size_bytes]
    if len(parts) > 1:
        lines += _bars("parts", parts, width)
    return lines


def _bars(label: str, sizes: list[tuple[str, int]], width: int) -> list[Line]:
    """The largest first; the rest in one row without a bar."""
    sizes = sorted(((printable(name), value) for name, value in sizes), key=lambda item: (-item[1], item[0]))
    whole = sum(value for _, value in sizes)
    names = min(max(len(name) for name, _ in sizes[:ROWS]), NAME_WIDTH)
    length = max(8, min(BAR_WIDTH, width - LABEL_WIDTH - names - 32))
    lines = [
        line(
            (f"  {label if number == 0 else '':<{LABEL_WIDTH}}", "dim"),
            f"{clip(name, names):<{names}}  ",
            *_bar(value, whole, length),
            f"  {memory(value):>10}  {share(value, whole)}",
        )
        for number, (name, value) in enumerate(sizes[:ROWS])
    ]
    if len(sizes) > ROWS:
        rest = sum(value for _, value in sizes[ROWS:])
        lines.append(line((f"{'':<{LABEL_WIDTH + 2}}… and {len(sizes) - ROWS:,} more, {memory(rest)}", "dim")))
    return lines


def _bar(part: int, whole: int, length: int) -> tuple[tuple[str, str], ...]:
    """A bar of half steps; the smallest part that there is still shows."""
    halves = max(1, min(2 * length, round(2 * length * part / whole))) if part else 0
    filled = "━" * (halves // 2) + "╸" * (halves % 2)
    return ((filled, "bar"), ("─" * (length - len(filled)), "dim"))

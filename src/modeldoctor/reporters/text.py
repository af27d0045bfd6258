"""What all text reporters share: safe text, units, and lines made of styled spans."""

import re
from collections.abc import Callable
from typing import NamedTuple

# Look blank although `str.isprintable` lets them through: Hangul fillers and the empty Braille cell.
_BLANKS = "[\u115f\u1160\u3164\uffa0\u2800]"
# More than three combining marks on one letter paint over neighbouring lines.
_STACKED_MARKS = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe2f]{4,}"

# What GitHub's runner takes for a command in the log of a step: `##[` anywhere, `::` at the beginning of a line, which
# wrapping can make of any word (actions/runner, src/Runner.Common/ActionCommand.cs). `:::`, as in our reports, is none.
_RUNNER_COMMANDS = r"##\[|(?<!\S)::(?!:)"

# No sentence or name is longer; what a file makes longer is cut.
TEXT_LIMIT = 4000

# No count of elements is larger; Python refuses to print integers of more than 4,300 digits.
NUMBER_LIMIT = 1 << 63

# Select Graphic Rendition codes (ECMA-48, 8.3.117) for a terminal, when rich is not loaded.
SGR = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "good": "1;32",
    "bold": "1",
    "dim": "2",
    "code": "36",
    "bar": "36",
    "": "",
}


# The characters that our own texts use beyond ASCII, and what stands for them where the encoding has none.
ASCII = {
    "━": "#", "╸": "#", "╌": "=", "─": "-", "├": "|", "└": "`", "│": "|",
    "…": "...", "×": "x", "·": "-", "–": "-", "→": "->",
}  # fmt: skip


class Line(NamedTuple):
    """A line of output: `(text, style)` spans; styles are the keys of `SGR`.

    On a terminal it wraps at spaces, the next lines indented by `hang`; with `wrap` False (paths) it never does.
    """

    spans: tuple[tuple[str, str], ...] = ()
    hang: int = 0
    wrap: bool = True


def line(*spans: str | tuple[str, str], hang: int = 0, wrap: bool = True) -> Line:
    """A `Line` of texts and `(text, style)` pairs."""
    return Line(tuple((span, "") if isinstance(span, str) else span for span in spans), hang, wrap)


def printable(text: str) -> str:
    """The text with everything escaped that could move the cursor, hide, reorder or imitate: it came from a file."""
    if len(text) > TEXT_LIMIT:
        text = f"{text[:TEXT_LIMIT]}…"
    if "##[" in text or "::" in text:
        text = re.sub(_RUNNER_COMMANDS, lambda match: f"\\x{ord(match[0][0]):02x}{match[0][1:]}", text)
    if text.isascii() and text.isprintable():
        return text
    # isprintable is False for controls, formats (bidi, zero width), surrogates, private use and odd spaces.
    text = "".join(character if character.isprintable() else _escape(character) for character in text)
    text = re.sub(_BLANKS, lambda match: _escape(match[0]), text)
    return re.sub(_STACKED_MARKS, lambda match: "".join(map(_escape, match[0])), text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def encodable(text: str, encoding: str | None) -> str:
    """The text, in ASCII if the encoding can't show all of the characters that are ours."""
    if text.isascii():
        return text
    try:
        "".join(ASCII).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        for character, replacement in ASCII.items():
            text = text.replace(character, replacement)
    return text


def clip(text: str, limit: int) -> str:
    """The text, or its beginning and end when it has more than `limit` characters."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def render(lines: list[Line], *, color: bool = False, width: int | None = None) -> str:
    """The lines as text, with SGR codes when `color`, wrapped when there is a `width`."""
    rows = wrapped(lines, width) if width else lines
    return "".join(f"{''.join(_span(text, style if color else '') for text, style in row.spans)}\n" for row in rows)


def _span(text: str, style: str) -> str:
    code = SGR[style]
    return f"\x1b[{code}m{printable(text)}\x1b[0m" if code else printable(text)


def wrapped(lines: list[Line], width: int, *, measure: Callable[[str], int] = len) -> list[Line]:
    """The lines broken at spaces; what has none (a path) runs over the edge in one piece, to stay clickable."""
    rows = []
    for item in lines:
        safe = item._replace(spans=tuple((printable(text), style) for text, style in item.spans))
        text = "".join(span for span, _ in safe.spans)
        rows += _broken(safe, _breaks(text, item.hang, width, measure)) if item.wrap else [safe]
    return rows


def _breaks(text: str, hang: int, width: int, measure: Callable[[str], int]) -> list[int]:
    """Where the lines after the first begin, so that each fits in `width` after `hang` columns."""
    if measure(text) <= width:
        return []
    breaks, used = [], measure(text[:hang])
    for word in re.finditer(r"\s*\S+\s*", text[hang:]):
        if word.start() and used > hang and used + measure(word[0].rstrip()) > width:
            breaks.append(hang + word.start())
            used = hang
        used += measure(word[0])
    return breaks


def _broken(item: Line, breaks: list[int]) -> list[Line]:
    """The line in pieces that begin at the given characters, all but the first indented."""
    rows: list[Line] = []
    spans: list[tuple[str, str]] = []
    position, indent = 0, " " * item.hang
    for span, style in item.spans:
        start = 0
        while breaks and breaks[0] - position <= len(span):
            end = breaks[0] - position
            rows.append(Line((*spans, (span[start:end].rstrip(), style))))
            spans, start, breaks = [(indent, "")], end, breaks[1:]
        spans.append((span[start:], style))
        position += len(span)
    if rows and spans:
        spans[-1] = (spans[-1][0].rstrip(), spans[-1][1])
    return [*rows, Line(tuple(spans))]


def many(number: int) -> str:
    """A large count for reading: `25.6 M`."""
    for unit, scale in (("T", 10**12), ("B", 10**9), ("M", 10**6)):
        if number >= scale:
            return f"{min(number, NUMBER_LIMIT) / scale:,.1f} {unit}"
    return f"{number:,}"


def listed(names: list[str], limit: int | None) -> str:
    """The names in a row; those beyond `limit` only counted, with the option that shows them."""
    if limit is None or len(names) <= limit:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} (+{len(names) - limit} more, -v)"

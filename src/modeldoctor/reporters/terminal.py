"""Lines for a terminal: wrapped at words, wide characters counted as such, coloured. The only module with rich."""

import re

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from modeldoctor.reporters.text import Line, printable

STYLES = {
    "error": "bold red",
    "warning": "bold yellow",
    "info": "bold cyan",
    "good": "bold green",
    "bold": "bold",
    "dim": "dim",
    "code": "cyan",
    "bar": "cyan",
    "": "",
}


def styled(lines: list[Line], *, width: int, color: bool) -> str:
    """The lines as they stand on the screen, with escape sequences when `color`."""
    console = Console(
        width=width, force_terminal=True, color_system="standard" if color else None, no_color=not color,
        legacy_windows=False, highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    text = Text("\n").join(row for item in lines for row in _rows(item, width))
    with console.capture() as captured:
        console.print(text, soft_wrap=True)
    return captured.get()


def _rows(item: Line, width: int) -> list[Text]:
    """One line wrapped at spaces; what has none (a path) runs over the edge in one piece, to stay clickable."""
    text = Text.assemble(*((printable(span), STYLES[style]) for span, style in item.spans))
    if not item.wrap or text.cell_len <= width:
        return [text]
    rows = text.divide(_breaks(text.plain, item.hang, width))
    for row in rows:
        row.rstrip()
    return [rows[0], *(Text(" " * item.hang).append_text(row) for row in rows[1:])]


def _breaks(text: str, hang: int, width: int) -> list[int]:
    """Where the lines after the first begin, so that each fits in `width` after `hang` spaces."""
    breaks, used = [], hang
    for word in re.finditer(r"\S+\s*", text[hang:]):
        cells = cell_len(word[0])
        if used > hang and used + cell_len(word[0].rstrip()) > width:
            breaks.append(hang + word.start())
            used = hang
        used += cells
    return breaks

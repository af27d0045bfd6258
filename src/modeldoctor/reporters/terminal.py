"""Lines for a terminal: wrapped, wide characters counted as such, coloured. The only module that imports rich."""

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from modeldoctor.reporters.text import Line, wrapped

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
    if not lines:
        return ""
    console = Console(
        width=width, force_terminal=True, color_system="standard" if color else None, no_color=not color,
        legacy_windows=False, highlight=False, markup=False, emoji=False,
    )  # fmt: skip
    rows = wrapped(lines, width, measure=cell_len)
    text = Text("\n").join(Text.assemble(*((span, STYLES[style]) for span, style in row.spans)) for row in rows)
    with console.capture() as captured:
        console.print(text, soft_wrap=True)
    return captured.get()

"""Writing to standard output, whoever reads it."""

import errno
import os
import shutil
import sys

from modeldoctor.findings import Report
from modeldoctor.reporters.text import Line, encodable, printable, render

# Columns within which text is laid out.
MIN_WIDTH, MAX_WIDTH = 40, 120


def write(text: str, code: int) -> int:
    """Write everything at once and hand back the exit code, also when the reader has gone (`| head -1`)."""
    try:
        sys.stdout.write(encodable(text, sys.stdout.encoding))
        sys.stdout.flush()
    except OSError as error:
        # So that the interpreter's own flush at exit says nothing either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno not in {errno.EPIPE, errno.EINVAL}:  # a closed pipe is EINVAL on Windows
            sys.stderr.write(f"error: cannot write the output: {error.strerror}\n")
            return 2
    return code


def use_color(choice: str) -> bool:
    """Whether to colour: `--color` wins, then NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, then what the terminal is.

    NO_COLOR: https://no-color.org; CLICOLOR_FORCE: https://bixense.com/clicolors.
    """
    if choice != "auto":
        return choice == "always"
    environment = os.environ
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return sys.stdout.isatty() and environment.get("TERM") != "dumb"


def width() -> int:
    """How many columns there are; beyond a point long lines are harder to read than wrapped ones."""
    return min(max(shutil.get_terminal_size().columns, MIN_WIDTH), MAX_WIDTH)


def columns() -> int | None:
    """The width to wrap at when a person is reading, or None."""
    return width() if sys.stdout.isatty() else None


def on_terminal(format_: str | None) -> bool:
    """Whether a person is reading: that was asked for, or standard output is a terminal."""
    return format_ == "terminal" or (format_ is None and sys.stdout.isatty())


def show(lines: list[Line], format_: str | None, color: str, code: int) -> int:
    """Print lines, wrapped and coloured on a terminal, and hand back the exit code."""
    if not on_terminal(format_):
        return write(render(lines), code)
    from modeldoctor.reporters.terminal import styled

    return write(styled(lines, width=width(), color=use_color(color)), code)


def report(result: Report, format_: str | None, color: str, verbosity: int) -> int:
    """Print a report in the format asked for, and what failed on standard error; the exit code."""
    code = result.exit_code()
    if format_ == "json":
        from modeldoctor.reporters.json import report_text

        return write(report_text(result), code)
    if on_terminal(format_):
        from modeldoctor.reporters.blocks import blocks

        code = show(blocks(result, width=width(), verbosity=verbosity), format_, color, code)
    else:
        from modeldoctor.reporters.plain import plain

        code = write(plain(result, verbosity=verbosity), code)
    for failure in result.failures:
        sys.stderr.write(f"error: {printable(failure.message)}\n")
        if verbosity > 1 and failure.traceback:
            sys.stderr.write(failure.traceback)
    return code

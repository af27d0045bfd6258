"""Writing to standard output, whoever reads it."""

import errno
import os
import shutil
import sys
from typing import TYPE_CHECKING

from modeldoctor.errors import UsageError
from modeldoctor.findings import Failure, Report
from modeldoctor.reporters.text import Line, encodable, printable, render

if TYPE_CHECKING:
    from modeldoctor.reporters.formats import Setup

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


def report_files(wanted: list[str]) -> list[tuple[str, str]]:
    """The `FORMAT=PATH` of `--report` taken apart; UsageError for a format that there is none of."""
    from modeldoctor.reporters.formats import MACHINE

    files = []
    for text in wanted:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise UsageError(f"`--report {text}` must be FORMAT=PATH, such as sarif=modeldoctor.sarif")
        if name not in {*MACHINE, "plain"}:
            from modeldoctor.wording import did_you_mean

            near = did_you_mean(name, [*MACHINE, "plain"])
            raise UsageError(f"`--report {text}`: there is no format `{name}`{near}")
        files.append((name, path))
    return files


def written(result: Report, files: list[tuple[str, str]], setup: "Setup") -> Report:
    """Write the report to files; the report, with a failure for each that could not be written."""
    from modeldoctor.reporters.formats import machine_text

    failures = [Failure(f"cannot write the report {path}: {reason}") for _, path in files if (reason := _refusal(path))]
    result = result._replace(failures=(*result.failures, *failures))
    for name, path in files:
        if name == "plain":
            from modeldoctor.reporters.plain import plain

            text = plain(result)
        else:
            text = machine_text(result, name, setup)
        if not _refusal(path):
            with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.write(text)
    return result


def _refusal(path: str) -> str | None:
    """Why a file can't be written."""
    try:
        with open(path, "a", encoding="utf-8"):
            return None
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)


def repository_prefix() -> str:
    """The way from the root of the repository to the working directory; where there is none, from the CI's folder."""
    here = root = os.path.realpath(os.getcwd())
    while not os.path.exists(os.path.join(root, ".git")):
        root, below = os.path.dirname(root), root
        if root == below:
            named = os.environ.get("GITHUB_WORKSPACE") or os.environ.get("CI_PROJECT_DIR")
            root = os.path.realpath(named) if named else here
            break
    prefix = os.path.relpath(here, root).replace(os.sep, "/")
    return "" if prefix == "." or prefix.startswith("..") else prefix


def report(
    result: Report, format_: str | None, color: str, verbosity: int, files: list[tuple[str, str]], category: str
) -> int:
    """Print a report in one format, write it in others, and say on standard error what failed; the exit code."""
    from modeldoctor.reporters.formats import MACHINE, Setup, machine_text

    setup = Setup()
    if files or format_ in MACHINE:
        setup = Setup(repository_prefix(), category)
    if files:
        result = written(result, files, setup)
    code = result.exit_code()
    if format_ in MACHINE:
        return write(machine_text(result, str(format_), setup), code)
    if on_terminal(format_):
        from modeldoctor.reporters.blocks import blocks

        code = show(blocks(result, width=width(), verbosity=verbosity), format_, color, code)
    else:
        from modeldoctor.reporters.plain import plain

        code = write(plain(result, verbosity=verbosity), code)
    for notice in result.notices:
        sys.stderr.write(f"note: {printable(notice)}\n")
    for failure in result.failures:
        sys.stderr.write(f"error: {printable(failure.message)}\n")
        if verbosity > 1 and failure.traceback:
            sys.stderr.write(failure.traceback)
    return code

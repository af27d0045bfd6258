"""What is said when a command could not even begin, or crashed."""

import contextlib
import sys
from itertools import pairwise

import click

from modeldoctor.cli.app import COMMANDS
from modeldoctor.cli.output import write
from modeldoctor.errors import UsageError
from modeldoctor.reporters.text import printable


def report(error: Exception, arguments: list[str]) -> int:
    """Print one clear line and a hint, or the format for programs that was asked for; the exit code."""
    command = next((argument for argument in arguments if argument in COMMANDS), None)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        sys.stderr.write(f"{error.format_message()}\n")
        return 2
    if isinstance(error, UsageError):
        message = str(error)
    elif isinstance(error, click.ClickException):
        message = _lower(error.format_message())
    else:
        message = f"internal error: {type(error).__name__}: {error}; please report it (-vv shows the traceback)"
        if _wants_traceback(arguments):
            import traceback

            traceback.print_exception(error)
    format_ = _given("--format", arguments)[-1:]
    if command in {None, "check"}:
        printed = _check_failed(message, format_, arguments)
        if printed is not None:
            return write(printed, 2)
    elif format_ == ["json"]:
        return write(_document(message, str(command)), 2)
    hint = f"modeldoctor {command} --help" if command else "modeldoctor --help"
    sys.stderr.write(f"error: {printable(message)}\nhint:  {hint} lists what can be given\n")
    return 2


def _lower(message: str) -> str:
    message = message.strip().rstrip(".").replace("\n", " ")
    return message[:1].lower() + message[1:]


def _given(option: str, arguments: list[str]) -> list[str]:
    """The values of an option, when the options could not be parsed."""
    joined = [argument.partition("=")[2] for argument in arguments if argument.startswith(f"{option}=")]
    return joined + [value for name, value in pairwise(arguments) if name == option]


def _wants_traceback(arguments: list[str]) -> bool:
    flags = "".join(argument for argument in arguments if argument.startswith("-v") and not argument.strip("-v"))
    return flags.count("v") > 1 or arguments.count("--verbose") > 1


def _check_failed(message: str, format_: list[str], arguments: list[str]) -> str | None:
    """A report that is empty but for the error, in all formats for programs that were asked for.

    Files are written, and what is for standard output is handed back; None when that is for people.
    """
    from modeldoctor.cli.output import report_files, repository_prefix, written
    from modeldoctor.facts.environment import Target
    from modeldoctor.findings import Failure, Report, Severity
    from modeldoctor.reporters.formats import MACHINE, Setup, machine_text

    setup = Setup(repository_prefix(), *_given("--category", arguments)[-1:])
    result = Report((), (), (), (Failure(message),), Target(), Severity.ERROR)
    with contextlib.suppress(UsageError):  # the error may be that very option
        result = written(result, report_files(_given("--report", arguments)), setup)
    return machine_text(result, format_[0], setup) if format_ and format_[0] in MACHINE else None


def _document(message: str, command: str) -> str:
    """The object that the command would have printed, empty but for the error."""
    from modeldoctor.findings import Failure
    from modeldoctor.reporters import json

    return json.dumps(
        {"schema": f"modeldoctor/{command}/v1", "tool": json.TOOL, "errors": json.errors((Failure(message),))}
    )

"""What is said when a command could not even begin, or crashed."""

import sys
from itertools import pairwise

import click

from modeldoctor.cli.app import COMMANDS
from modeldoctor.cli.output import write
from modeldoctor.errors import UsageError
from modeldoctor.reporters.text import printable


def report(error: Exception, arguments: list[str]) -> int:
    """Print one clear line and a hint, or JSON where that was asked for; the exit code."""
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
    if _wants_json(arguments):
        return write(_document(message, command), 2)
    hint = f"modeldoctor {command} --help" if command else "modeldoctor --help"
    sys.stderr.write(f"error: {printable(message)}\nhint:  {hint} lists what can be given\n")
    return 2


def _lower(message: str) -> str:
    message = message.strip().rstrip(".").replace("\n", " ")
    return message[:1].lower() + message[1:]


def _wants_json(arguments: list[str]) -> bool:
    """Whether JSON was asked for, when the options could not be parsed."""
    return "--format=json" in arguments or ("--format", "json") in pairwise(arguments)


def _wants_traceback(arguments: list[str]) -> bool:
    flags = "".join(argument for argument in arguments if argument.startswith("-v") and not argument.strip("-v"))
    return flags.count("v") > 1 or arguments.count("--verbose") > 1


def _document(message: str, command: str | None) -> str:
    """The object that the command would have printed, empty but for the error."""
    from modeldoctor.facts.environment import Target
    from modeldoctor.findings import Failure, Report, Severity
    from modeldoctor.reporters import json

    if command in {None, "check"}:
        failures = (Failure(message),)
        return json.report_text(Report((), (), (), failures, Target(), Severity.ERROR))
    return json.dumps(
        {"schema": f"modeldoctor/{command}/v1", "tool": json.TOOL, "errors": json.errors((Failure(message),))}
    )

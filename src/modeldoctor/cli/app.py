"""The group of commands: only the module of the command that is invoked gets imported."""

import os
import sys
from typing import Annotated

import click
import typer
from typer.core import TyperGroup

from modeldoctor import __version__
from modeldoctor.cli.options import HELP_OPTIONS
from modeldoctor.errors import UsageError

# What `--help` says about each command, so that listing them imports none.
COMMANDS = {
    "check": "Say what will go wrong when these models are loaded.",
    "inspect": "Show what is in a model file, without judging it.",
    "fit": "Say whether a model fits a GPU, and what the sum is made of.",
    "rules": "List what is checked.",
    "tables": "List the tables that verdicts rest on, and how old they are.",
    "explain": "Say what a rule finds, why it matters and how to mend it.",
    "config": "Show the settings that are in force, and where each comes from.",
}


class LazyGroup(TyperGroup):
    """Commands by name; the module `modeldoctor.cli.<name>` is imported when its command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        import importlib

        return typer.main.get_command(importlib.import_module(f"modeldoctor.cli.{cmd_name}").app)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; a file name in its place is answered with the command that checks it."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from modeldoctor.wording import did_you_mean

            if os.path.exists(args[0]):
                raise UsageError(f"`{args[0]}` is no command; did you mean `modeldoctor check {args[0]}`?")
            raise UsageError(f"`{args[0]}` is no command{did_you_mean(args[0], list(COMMANDS))}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP_OPTIONS,
)


def _version(value: bool) -> None:
    if value:
        sys.stdout.write(f"modeldoctor {__version__}\n")
        raise typer.Exit


@app.callback()
def modeldoctor(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Say before you deploy whether a model will load there, and what to do if not."""


def command() -> click.Command:
    """The group as click runs it; it completes for a shell that asks (`_MODELDOCTOR_COMPLETE=source_bash`)."""
    if "_MODELDOCTOR_COMPLETE" in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
    return typer.main.get_command(app)

"""Options that several commands share."""

from typing import Annotated, Literal

import typer

HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}

Color = Annotated[
    Literal["auto", "always", "never"], typer.Option(help="When to colour (default: auto).", show_default=False)
]
Verbosity = Annotated[
    int, typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more; -vv: tracebacks too.")
]
ConfigFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Read this configuration, not the nearest modeldoctor.toml or pyproject.toml."),
]
NoConfig = Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")]

"""`modeldoctor config`."""

from typing import Annotated, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color, ConfigFile, NoConfig

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)


@app.command()
def config(
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json", "schema"],
        typer.Option(
            help="What to print (default: text); `schema` is the JSON Schema of the file.", show_default=False
        ),
    ] = "text",
    config: ConfigFile = None,
    no_config: NoConfig = False,
    color: Color = "auto",
) -> int:
    """Show the settings that are in force here, and the file and line that each comes from."""
    from modeldoctor.cli.output import columns, use_color, write
    from modeldoctor.config import settings
    from modeldoctor.reporters import configuration

    if format == "schema":
        return write(configuration.schema_text(), 0)
    found = settings({}, file=config, search=not no_config)
    if format == "json":
        return write(configuration.settings_json(found), 0)
    return write(configuration.settings_text(found, color=use_color(color), columns=columns()), 0)

"""`modeldoctor tables`."""

from typing import Annotated, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)


@app.command()
def tables(
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json"], typer.Option(help="What to print (default: text).", show_default=False)
    ] = "text",
    color: Color = "auto",
) -> int:
    """List the tables that verdicts rest on: what they hold, the day they were collected, and their sources."""
    from datetime import UTC, datetime

    from modeldoctor.cli.output import columns, use_color, write
    from modeldoctor.reporters import tables

    if format == "json":
        return write(tables.tables_json(), 0)
    today = datetime.now(tz=UTC).date()
    return write(tables.tables_text(today, color=use_color(color), columns=columns()), 0)

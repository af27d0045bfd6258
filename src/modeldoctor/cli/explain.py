"""`modeldoctor explain CODE`."""

from typing import Annotated, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(metavar="CODE", help="The code or the slug of a rule.")],
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json", "markdown"], typer.Option(help="What to print (default: text).", show_default=False)
    ] = "text",
    color: Color = "auto",
) -> int:
    """Say what a rule finds, why it matters, how the failure looks and how to mend it."""
    from modeldoctor.cli.output import columns, use_color, write
    from modeldoctor.reporters import catalogue
    from modeldoctor.rules import rules_near
    from modeldoctor.selection import find

    found = find(rule, rules_near(rule))
    if format == "json":
        return write(catalogue.rule_json(found), 0)
    if format == "markdown":
        return write(catalogue.rule_markdown(found), 0)
    return write(catalogue.rule_text(found, color=use_color(color), columns=columns()), 0)

"""`modeldoctor rules`."""

from typing import Annotated, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)


@app.command()
def rules(
    selectors: Annotated[
        list[str] | None, typer.Argument(metavar="[SELECTOR...]", help="Codes, prefixes or slugs; all without.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["text", "json"], typer.Option(help="What to print (default: text).", show_default=False)
    ] = "text",
    color: Color = "auto",
) -> int:
    """List what is checked: code, name, severity and summary of each rule."""
    from modeldoctor.cli.output import columns, use_color, write
    from modeldoctor.reporters import catalogue
    from modeldoctor.rules import all_rules
    from modeldoctor.selection import matches, require_known

    chosen = all_rules()
    if selectors:
        require_known(tuple(selectors), chosen)
        chosen = tuple(rule for rule in chosen if any(matches(rule, selector) for selector in selectors))
    if format == "json":
        return write(catalogue.rules_json(chosen), 0)
    return write(catalogue.rules_text(chosen, color=use_color(color), columns=columns()), 0)

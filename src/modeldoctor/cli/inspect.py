"""`modeldoctor inspect FILE`."""

from typing import Annotated, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color, Verbosity

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)


@app.command()
def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A model file or a model folder.")],
    format: Annotated[  # noqa: A002 - the option's name
        Literal["terminal", "plain", "json"] | None,
        typer.Option(help="What to print; on a terminal `terminal`, else `plain`."),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Levels of the tree of tensors (default: as many as fit).")
    ] = None,
    tensors: Annotated[bool, typer.Option("--tensors", help="List every tensor instead of the tree.")] = False,
    sha256: Annotated[bool, typer.Option("--sha256", help="Compute the file's digest (reads all of it).")] = False,
    torch: Annotated[
        list[str] | None,
        typer.Option(metavar="VERSION", help="Say whether this torch loads it: 2.6, 1.13-2.5 or all; can be repeated."),
    ] = None,
    python: Annotated[str | None, typer.Option(metavar="VERSION", help="The Python beside that torch.")] = None,
    numpy: Annotated[str | None, typer.Option(metavar="VERSION", help="The NumPy beside that torch.")] = None,
    gpu: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A GPU that is there (default: none); can be repeated.")
    ] = None,
    color: Color = "auto",
    verbose: Verbosity = 0,
) -> int:
    """Show what is in a model file, and which torch loads it. Nothing in it is executed.

    Exits with 0 when the file was understood, with 1 when it was not understood, not checked or unreadable, and with 2
    when there is no such file.
    """
    from modeldoctor.cli import output
    from modeldoctor.engine import examine
    from modeldoctor.predict.load import overview, selection

    beside = selection.beside(python, numpy, gpu or ())
    releases = selection.chosen(torch or ())
    subject = examine(file, sha256=sha256)
    code = 0 if subject.state == "understood" else 1
    if format == "json":
        from modeldoctor.reporters.json import inspection_text

        loads = overview.documented(subject.facts, releases, beside)
        return output.write(inspection_text(subject.facts, subject.state, loads), code)
    from modeldoctor.reporters.inspection import inspection

    lines = inspection(
        subject,
        overview.overview(subject.facts, releases, beside),
        width=output.width(),
        depth=depth,
        tensors=tensors,
        verbose=verbose > 0,
    )
    return output.show(lines, format, color, code)

"""`modeldoctor check TARGET…`."""

from typing import Annotated, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color, ConfigFile, NoConfig, Verbosity

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)

_Selectors = list[str] | None
_Version = str | None


@app.command()
def check(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Files, folders or globs.")],
    format: Annotated[  # noqa: A002 - the option's name
        Literal["terminal", "plain", "json", "sarif", "github", "gitlab", "junit", "markdown"] | None,
        typer.Option(help="What to print; on a terminal `terminal`, else `plain`."),
    ] = None,
    reports: Annotated[
        _Selectors,
        typer.Option("--report", metavar="FORMAT=PATH", help="Write this report too; as often as you like."),
    ] = None,
    select: Annotated[_Selectors, typer.Option(help="Only these rules: codes, prefixes or slugs.")] = None,
    extend_select: Annotated[_Selectors, typer.Option(help="These rules too.")] = None,
    ignore: Annotated[_Selectors, typer.Option(help="Not these rules.")] = None,
    fail_on: Annotated[
        Literal["error", "warning", "info", "never"] | None,
        typer.Option(help="Exit with 1 for findings of this severity and above (default: error)."),
    ] = None,
    min_severity: Annotated[
        Literal["error", "warning", "info"] | None,
        typer.Option(help="Hide findings below this severity, but never those that fail."),
    ] = None,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="The same as --fail-on never.")] = False,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="What could not be checked is an error, also in folders.")
    ] = None,
    allow_empty: Annotated[bool | None, typer.Option("--allow-empty", help="Finding no model file is fine.")] = None,
    sha256: Annotated[
        bool | None, typer.Option("--sha256", help="Put each file's digest into the report (reads all of it).")
    ] = None,
    preview: Annotated[bool | None, typer.Option("--preview", help="Rules in preview too.")] = None,
    exclude: Annotated[_Selectors, typer.Option(metavar="PATTERN", help="Not these paths.")] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="FILE", help="Findings that are known and accepted do not fail.")
    ] = None,
    write_baseline: Annotated[
        bool, typer.Option("--write-baseline", help="Accept all findings of this run in that file.")
    ] = False,
    prune_baseline: Annotated[
        bool, typer.Option("--prune-baseline", help="Take out of that file what is no longer found.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Judge suppressions as on this day (default: today).")
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="NAME", help="Tells this run in SARIF from others on the same commit.")
    ] = None,
    torch: Annotated[_Version, typer.Option(metavar="VERSION", help="The torch that will load it.")] = None,
    python: Annotated[_Version, typer.Option(metavar="VERSION", help="The Python there.")] = None,
    numpy: Annotated[_Version, typer.Option(metavar="VERSION", help="The NumPy there.")] = None,
    cuda: Annotated[_Version, typer.Option(metavar="VERSION", help="The CUDA of that torch, or cpu.")] = None,
    gpu: Annotated[_Selectors, typer.Option(metavar="NAME", help="The GPU there, or none.")] = None,
    driver: Annotated[_Version, typer.Option(metavar="VERSION", help="The NVIDIA driver there.")] = None,
    platform: Annotated[_Version, typer.Option(metavar="NAME", help="The platform there, such as linux/arm64.")] = None,
    project: Annotated[
        str | None, typer.Option(metavar="DIR", help="The project that loads the files: its pins, image and code.")
    ] = None,
    interpreter: Annotated[
        str | None, typer.Option(metavar="PATH", help="Judge for the environment of this Python (it is not run).")
    ] = None,
    ts_config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="TorchServe's config.properties (else the one beside an archive)."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Examine many files in N processes.")] = None,
    config: ConfigFile = None,
    no_config: NoConfig = False,
    color: Color = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only the findings.", show_default=False)] = False,
    verbose: Verbosity = 0,
) -> int:
    """Say what will go wrong when these models are loaded.

    Nothing in them is executed. Exits with 0 when nothing is at or above --fail-on, with 1 when something is, and with
    2 when the job could not be done.
    """
    from modeldoctor.cli.output import report, report_files
    from modeldoctor.config import resolve
    from modeldoctor.engine import run

    files = report_files(reports or [])

    flags = {
        "select": select, "extend_select": extend_select, "ignore": ignore,
        "fail_on": "never" if exit_zero else fail_on, "min_severity": min_severity,
        "preview": preview, "exclude": exclude, "baseline": baseline, "as_of": as_of,
        "strict": strict, "allow_empty": allow_empty, "sha256": sha256,
        "torch": torch, "python": python, "numpy": numpy, "cuda": cuda, "gpu": gpu,
        "ts_config": ts_config, "jobs": jobs,
        "driver": driver, "platform": platform, "project": project, "interpreter": interpreter,
    }  # fmt: skip
    settings = resolve(flags, file=config, search=not no_config)
    if write_baseline or prune_baseline:
        from modeldoctor.cli.accept import rewritten

        result = rewritten(tuple(targets), settings, write=write_baseline)
    else:
        result = run(tuple(targets), settings)
    return report(result, format, color, -1 if quiet else verbose, files, category or "")

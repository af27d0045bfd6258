"""MDR333: a part of an install line that does nothing."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Skew
from modeldoctor.findings import Hit, Severity, Unjudged, Where
from modeldoctor.rules.base import Context, rule


@rule(
    Skew,
    code="MDR333",
    slug="requirement-without-effect",
    severity=Severity.WARNING,
    since="0.1",
    summary="an index option or a version bound does nothing where it is written",
)
def requirement_without_effect(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Two ways of writing that look right and are dropped on the way to pip.

    ## What it finds
    * An index behind a requirement: `torch --index-url https://…/whl/cu118` on a line of a requirement file. pip
      (23.2.1 to 25.3 were tried) accepts the line and ignores the option, uv refuses it.
    * A comparison without quotes in a shell: `pip install torch>=2.0` in a Dockerfile or a script. The shell takes `>`
      as a redirection: pip gets plain `torch`, and a file named `=2.0` appears. With `<` the shell looks for a file of
      that name and the command fails.
    * Options that pip does not have.

    ## Why it matters
    The bound or the build that somebody chose is not in force, and nothing says so: the newest torch from the default
    registry gets installed.

    ## Seen as
    * a file called `=2.0` or `=1.7` in the image or the repository
    * `bash: 2.0: No such file or directory` (for `<`)
    * uv: ``error: Couldn't parse requirement in `requirements.txt` at position 0``

    ## Fix
    ```dockerfile
    RUN pip install "torch>=2.0"
    ```

    ```text
    --extra-index-url https://download.pytorch.org/whl/cu118
    torch==2.1.0+cu118
    ```

    ## References
    * pip, requirements file format: per-requirement options; POSIX shell, redirection
    """
    del context
    for manifest in skew.requirements.manifests:
        for flaw in dict.fromkeys(manifest.flaws):
            if flaw.kind == "option":
                quoted = "quoted" in flaw.message
                yield Hit(
                    flaw.message,
                    where=Where(flaw.path, line=flaw.line),
                    fix="put the requirement in quotes" if quoted else "give the option a line of its own, above",
                    severity=Severity.ERROR if flaw.fatal else None,
                    key=flaw.message.split("`")[1] if "`" in flaw.message else "",
                )

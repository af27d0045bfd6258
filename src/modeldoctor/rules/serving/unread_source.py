"""MDR542: a Python file that could not be read."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at


@rule(
    Source,
    code="MDR542",
    slug="unread-source",
    severity=Severity.INFO,
    since="0.1",
    summary="a Python file could not be read, so what it loads is not known",
)
def unread_source(source: Source, _: Context) -> Iterator[Hit]:
    """A file of the project is not Python 3, too large, or cannot be opened.

    ## What it finds
    Files with the suffix `.py` that do not parse (Python 2, templates, unfinished edits, conflict markers), that are
    larger than hand-written code, nested too deeply, or not readable. One finding per file, with the line where the
    parser stopped.

    ## Why it matters
    Nothing in such a file is looked at: a load in it is not reported, and calls through it are not followed, so what
    stands behind it may be called a script. "Not checked" is not "clean". If a service imports it, the import fails
    too, unless it runs under the Python that the file was written for.

    ## Seen as
    * `SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?`
    * `SyntaxError: invalid syntax` at a line such as `<<<<<<< HEAD`

    ## Fix
    Convert the file, or leave it out of the check:

    ```toml
    [tool.modeldoctor]
    exclude = ["legacy/**"]
    ```

    ## References
    * https://docs.python.org/3/library/ast.html#ast.parse
    * https://docs.python.org/3/library/2to3.html
    """
    for unread in source.unread:
        yield Hit(
            f"the file was not checked: {unread.reason}",
            where=at(source, unread.where),
            fix="mend it if a service imports it, or exclude it"
            if unread.kind == "syntax"
            else "exclude it if it is data",
            key=unread.kind,
        )

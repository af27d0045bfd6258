"""MDR901: a suppression that hides nothing."""

from collections.abc import Iterator

from modeldoctor.facts.suppression import Suppression
from modeldoctor.findings import Hit, Severity, Where
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import listing, quoted


@rule(
    Suppression,
    code="MDR901",
    slug="unused-suppression",
    severity=Severity.WARNING,
    since="0.1",
    summary="a comment or an entry of the configuration suppresses a finding that is not there",
)
def unused_suppression(suppression: Suppression, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - a rule's signature
    """Somebody decided not to hear of a finding, and the finding is gone: the decision can go too.

    ## What it finds
    A comment `# modeldoctor: ignore[CODE]` or `ignore-file[CODE]`, or a `[[tool.modeldoctor.suppress]]` entry, that hid
    nothing in this run, although its rules came to judge what it is about. One whose rule was deselected, or could
    not judge because the target is not known, is left alone; so is an entry for paths that were not checked.

    ## Why it matters
    What is left behind hides the next finding of that rule at that place, which nobody decided about: the call moves
    away, a new one is written on the same line, and the gate says nothing.

    ## Seen as
    Nothing fails today. Later a model is loaded per request on a line that was once accepted for another reason:

    ```python
    model = load_from_cache(name)  # modeldoctor: ignore[MDR501] measured: 2 ms
    ```

    ## Fix
    Delete the comment or the entry. When it names several rules, delete those that are not found any more. Wrong is
    to widen it until it hides something again; right is the line without it:

    ```python
    model = load_from_cache(name)
    ```

    ## References
    * How suppressions work: docs/suppression.md
    """
    if suppression.used != 0 or suppression.kind == "baseline" or suppression.problem:
        return
    what = f"the suppression of {listing(suppression.codes)}"
    about = f" for {quoted(suppression.pattern)}" if suppression.pattern else ""
    yield Hit(
        f"{what}{about} hides nothing",
        where=Where(suppression.path, suppression.line, suppression.column),
        fix="delete it: the next finding there should be heard of",
        notes=(("reason", suppression.reason),) if suppression.reason else (),
        key="\0".join((*suppression.codes, suppression.pattern)),
    )

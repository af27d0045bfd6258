"""MDR904: a comment that was meant to suppress something and does not."""

from collections.abc import Iterator

from modeldoctor.facts.suppression import Suppression
from modeldoctor.findings import Hit, Severity, Where
from modeldoctor.rules.base import Context, rule


@rule(
    Suppression,
    code="MDR904",
    slug="invalid-suppression",
    severity=Severity.WARNING,
    since="0.1",
    summary="a comment that is meant to suppress a finding is not understood",
)
def invalid_suppression(suppression: Suppression, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - a rule's signature
    """A comment begins with `modeldoctor:` and a word like ignore, but it suppresses nothing.

    ## What it finds
    Comments such as `# modeldoctor: ignore` without a rule, `# modeldoctor: noqa`, or with a code that no rule has.
    The same mistakes in the configuration stop the run, since nothing but a person can have put them there; a comment
    may stand in code that somebody else wrote, so it is a finding.

    ## Why it matters
    Its author believes that the finding is dealt with. Suppressions without a code are not accepted because they would
    hide findings that nobody has seen yet.

    ## Seen as
    The finding is reported although the line seems to suppress it:

    ```python
    model = torch.load(path)  # modeldoctor: ignore
    ```

    ## Fix
    Name the rule in brackets, and say why behind them:

    ```python
    model = torch.load(path)  # modeldoctor: ignore[MDR501] runs in the nightly job only
    ```

    Several rules are separated by commas; `# modeldoctor: ignore-file[CODE] reason` on a line of its own is about the
    whole file. `modeldoctor rules` lists the codes.

    ## References
    * How suppressions work: docs/suppression.md
    """
    if suppression.problem:
        yield Hit(
            f"this comment suppresses nothing: {suppression.problem}",
            where=Where(suppression.path, suppression.line, suppression.column),
            fix="write `# modeldoctor: ignore[CODE] reason`, with a code from `modeldoctor rules`",
            key=",".join(suppression.codes),
        )

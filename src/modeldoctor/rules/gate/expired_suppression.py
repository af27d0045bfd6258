"""MDR902: a suppression whose last day has passed."""

from collections.abc import Iterator

from modeldoctor.facts.suppression import Suppression
from modeldoctor.findings import Hit, Severity, Where
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import count, listing, quoted


@rule(
    Suppression,
    code="MDR902",
    slug="expired-suppression",
    severity=Severity.WARNING,
    since="0.1",
    summary="a suppression has expired, what it hid is reported again",
)
def expired_suppression(suppression: Suppression, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - a rule's signature
    """A finding was accepted until a day that has passed, and it is still there.

    ## What it finds
    An entry of `[[tool.modeldoctor.suppress]]` whose `until` lies before today (or before `--as-of`) while what it hid
    is still found. Those findings are reported again with their own severity, each with a note that names the entry.

    ## Why it matters
    The date was a promise: the finding was to be mended by then. That the gate fails on that day is what the date is
    for, and this finding says why it fails although nobody changed anything.

    ## Seen as
    A build that was green yesterday fails with a finding whose note reads:

    ```text
    = suppression  pyproject.toml:9 hid this until 2026-06-30: being retrained, ticket 812
    ```

    ## Fix
    Mend the finding and delete the entry. If it has to wait, decide that anew, with a new date and the reason:

    ```toml
    [[tool.modeldoctor.suppress]]
    path = "legacy/classifier.pt"
    codes = ["MDR203"]
    until = 2026-12-31
    reason = "retraining moved to Q4, ticket 812"
    ```

    `--as-of 2026-06-30` shows what the gate said on that day.

    ## References
    * How suppressions work: docs/suppression.md
    """
    if not suppression.expired or not suppression.used:
        return
    about = f" for {quoted(suppression.pattern)}" if suppression.pattern else ""
    yield Hit(
        f"the suppression of {listing(suppression.codes)}{about} expired on {suppression.until}, "
        f"and {count(suppression.used, 'finding')} came back",
        where=Where(suppression.path, suppression.line),
        fix="mend what it hid and delete it, or decide anew with a later `until`",
        notes=(("reason", suppression.reason),) if suppression.reason else (),
        key="\0".join((*suppression.codes, suppression.pattern)),
    )

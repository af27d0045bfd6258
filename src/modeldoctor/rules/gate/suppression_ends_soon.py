"""MDR903: a suppression that expires within two weeks."""

from collections.abc import Iterator

from modeldoctor.facts.suppression import NOTICE_DAYS, Suppression
from modeldoctor.findings import Hit, Severity, Where
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import count, listing, quoted


@rule(
    Suppression,
    code="MDR903",
    slug="suppression-ends-soon",
    severity=Severity.WARNING,
    since="0.1",
    summary="a suppression expires within 14 days, and what it hides will be reported again",
)
def suppression_ends_soon(suppression: Suppression, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - a rule's signature
    """A finding was accepted until a day that is near, and it is still there.

    ## What it finds
    An entry of `[[tool.modeldoctor.suppress]]` whose `until` is today or at most 14 days ahead while it still hides
    something. Entries that hide nothing are `unused-suppression` (MDR901).

    ## Why it matters
    From the day after, what it hides counts again, and if that is an error every build fails, on a day when nobody
    changed anything. Two weeks are the time to mend it or to decide anew without a red build.

    ## Seen as
    Nothing fails yet. After the day the gate ends with:

    ```text
    Failing: 1 finding at or above --fail-on=error
    ```

    ## Fix
    Mend the finding and delete the entry, or move `until` with a reason that holds. Wrong is an entry without a
    date for something that was meant to be temporary; right is a date that somebody keeps:

    ```toml
    until = 2026-12-31
    reason = "retraining moved to Q4, ticket 812"
    ```

    ## References
    * How suppressions work: docs/suppression.md
    """
    left = suppression.days_left
    if left is None or not 0 <= left <= NOTICE_DAYS or not suppression.used:
        return
    about = f" for {quoted(suppression.pattern)}" if suppression.pattern else ""
    when = "today" if left == 0 else f"in {count(left, 'day')}"
    yield Hit(
        f"the suppression of {listing(suppression.codes)}{about} ends {when}, on {suppression.until}, "
        f"and still hides {count(suppression.used, 'finding')}",
        where=Where(suppression.path, suppression.line),
        fix="mend what it hides, or decide anew with a later `until`",
        notes=(("reason", suppression.reason),) if suppression.reason else (),
        key="\0".join((*suppression.codes, suppression.pattern)),
    )

"""MDR905: an entry of the baseline that is no longer needed."""

from collections.abc import Iterator

from modeldoctor.facts.suppression import Suppression
from modeldoctor.findings import Hit, Severity, Where
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import quoted


@rule(
    Suppression,
    code="MDR905",
    slug="stale-baseline",
    severity=Severity.INFO,
    since="0.1",
    summary="an entry of the baseline is about a finding that is gone",
)
def stale_baseline(suppression: Suppression, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - a rule's signature
    """The baseline accepts a finding that this run did not find any more.

    ## What it finds
    Entries of the file given with `--baseline` whose finding is gone, among the paths that were checked and the rules
    that came to judge. A finding whose file moved to another folder is recognised and keeps its entry.

    ## Why it matters
    A baseline is a debt that shrinks. An entry that stays after the finding was mended accepts the same mistake when it
    is made again in that file, without anybody noticing.

    ## Seen as
    Nothing fails. The report names the file and the message that the entry was written for:

    ```text
    info[MDR905] stale-baseline: `models/old.pt` has no MDR203 any more, but the baseline accepts it
    ```

    ## Fix
    Take the entries out, and commit the file:

    ```sh
    modeldoctor check models/ --baseline modeldoctor-baseline.json --prune-baseline
    ```

    Wrong is `--write-baseline` instead: it would accept what is new as well.

    ## References
    * How baselines work: docs/suppression.md
    """
    if suppression.kind == "baseline":
        yield Hit(
            f"{quoted(suppression.pattern)} has no {suppression.codes[0]} any more, but the baseline accepts it",
            where=Where(suppression.path, suppression.line),
            fix="`--prune-baseline` takes it out",
            notes=(("accepted", suppression.reason),) if suppression.reason else (),
            key="\0".join((*suppression.codes, suppression.pattern, suppression.reason)),
        )

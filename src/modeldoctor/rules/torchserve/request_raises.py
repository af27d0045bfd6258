"""MDR652: the handler raises an exception for every request."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR652",
    slug="request-raises",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler raises an exception for every request",
)
def request_raises(archive: Archive, context: Context) -> Iterator[Hit]:
    """Following `handle` leads to an exception on every way.

    ## What it finds
    `raise` statements in `handle`, or in what it calls, that nothing skips. What stands behind a condition that is
    not known does not count.

    ## Why it matters
    The model loads and health checks pass; every request fails.

    ## Seen as
    * `Invoking custom service failed.`
    * `ValueError: expected RGB`

    The client gets 503 with `Prediction failed` or the sentence above; the traceback stands in `logs/model_log.log`
    and `logs/ts_log.log` under the folder that the server was started in (or under `LOG_LOCATION`).

    ## Fix
    Mend the condition that leads to it. To answer with a code of your own raise
    `ts.utils.util.PredictionException`.

    ## References
    * github:pytorch/serve, `ts/service.py`, `predict`
    """
    yield from told(archive, context, "request-raises")

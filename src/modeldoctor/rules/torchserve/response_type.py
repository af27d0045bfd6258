"""MDR651: the handler returns something else than a list with one element per request."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR651",
    slug="response-type",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler returns something else than a list with one element per request",
)
def response_type(archive: Archive, context: Context) -> Iterator[Hit]:
    """The server takes only a list, with as many elements as there are requests in the batch.

    ## What it finds
    Handlers (or `postprocess` of a subclass) of which every way returns a dict, text, tuple, None, coroutine or
    generator, or a list of a fixed length other than one; with `batchSize` above 1 a list of one (warning).

    ## Why it matters
    The model loads, and every request (or every full batch) fails although the model answered.

    ## Seen as
    * `model: m, Invalid return type: <class 'dict'>.` (503 Invalid model predict output)
    * `model: m, number of batch response mismatched, expect: 4, got: 1.` (503)

    The client gets 503 with `Prediction failed` or the sentence above; the traceback stands in `logs/model_log.log`
    and `logs/ts_log.log` under the folder that the server was started in (or under `LOG_LOCATION`).

    ## Fix
    Return one element for each element of `data`: `return [result for result in results]`; a dict goes into a list.

    ## References
    * github:pytorch/serve, `ts/service.py`, `predict`
    """
    yield from told(archive, context, "response-type")

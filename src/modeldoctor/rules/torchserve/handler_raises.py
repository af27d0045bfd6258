"""MDR629: loading the handler always ends in an exception of its own."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR629",
    slug="handler-raises",
    severity=Severity.ERROR,
    since="0.1",
    summary="loading the handler always ends in an exception of its own",
)
def handler_raises(archive: Archive, context: Context) -> Iterator[Hit]:
    """Following the code from `__init__` through `initialize` leads to an exception on every way.

    ## What it finds
    `raise` statements that nothing skips, and keys that are read from the manifest or the configuration and are not
    there (`context.manifest["model"]["serializedFile"]`). What stands behind a condition that is not known does not
    count.

    ## Why it matters
    No worker starts. A RuntimeError is answered by the worker (`500 - Unknown exception`), every other exception
    kills it; the HTTP answer is the same.

    ## Seen as
    * `Failed to load model m, exception bad weights`
    * `KeyError: 'serializedFile'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Mend the condition that leads to it, or add the key that is missing.

    ## References
    * github:pytorch/serve, `ts/model_service_worker.py`, `load_model`
    """
    yield from told(archive, context, "handler-raises")

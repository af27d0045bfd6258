"""MDR613: a key of the manifest looks like one that is read, and is not."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR613",
    slug="manifest-key",
    severity=Severity.WARNING,
    since="0.1",
    summary="a key of the manifest looks like one that is read, and is not",
)
def manifest_key(archive: Archive, context: Context) -> Iterator[Hit]:
    """Unknown keys of the manifest are ignored without a word, so a misspelt one is the same as none.

    ## What it finds
    Keys that differ from a known one in case, `_` or a letter, where the known one is missing: `model_file`,
    `SerializedFile`, `handlerFile`.

    ## Why it matters
    The value never arrives. A misspelt `serializedFile` lets the stock handler serve random weights or fail for
    want of a file; a misspelt `configFile` leaves the defaults in force.

    ## Seen as
    * `AttributeError: 'NoneType' object has no attribute 'endswith'` (for a misspelt serializedFile)

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Write the key as the server does: `modelName`, `modelVersion`, `handler`, `serializedFile`, `modelFile`,
    `requirementsFile`, `configFile`.

    ## References
    * github:pytorch/serve, `archive/model/Manifest.java`; `ts/torch_handler/base_handler.py`, `initialize`;
      `ts/service.py`
    """
    yield from told(archive, context, "manifest-key")

"""MDR609: the frontend takes the manifest, the worker's strict parser does not."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR609",
    slug="manifest-lenient",
    severity=Severity.ERROR,
    since="0.1",
    summary="the frontend takes the manifest, the worker's strict parser does not",
)
def manifest_lenient(archive: Archive, context: Context) -> Iterator[Hit]:
    """Two programs read the manifest: the frontend leniently, the worker with Python's `json`.

    ## What it finds
    Manifests with comments, single quotes, words without quotes or a byte order mark, and manifests that are not
    UTF-8. Gson takes them all.

    ## Why it matters
    The archive registers with 200, so the manifest looks right; then no worker starts. The scale call, not the
    register call, is what fails.

    ## Seen as
    * `json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 2 column 3 (char 4)`
    * `json.decoder.JSONDecodeError: Unexpected UTF-8 BOM (decode using utf-8-sig)`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Write strict JSON without a byte order mark; `python -m json.tool MAR-INF/MANIFEST.json` checks what the worker
    checks.

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `load`; Gson 2.9.0, `stream/JsonReader.java`
    """
    yield from told(archive, context, "manifest-lenient")

"""MDR616: the handler is named by a path of the machine that built the archive."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR616",
    slug="handler-host-path",
    severity=Severity.INFO,
    since="0.1",
    summary="the handler is named by a path of the machine that built the archive",
)
def handler_host_path(archive: Archive, context: Context) -> Iterator[Hit]:
    """Only the last part of the handler's path counts; the rest is noise from another machine.

    ## What it finds
    Absolute paths in `model.handler` whose last part is packed at the root of the archive.

    ## Why it matters
    It serves. The path tells where the archive was built, perhaps more than you want to publish, and suggests to
    readers that folders count, which they don't.

    ## Seen as
    * (no line: the worker imports the module of the last part)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Write the bare file name, `handler.py`; torch-model-archiver does so by itself.

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `_load_handler_file`
    """
    yield from told(archive, context, "handler-host-path")

"""MDR615: the handler that the manifest names is not in the archive."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR615",
    slug="handler-not-found",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler that the manifest names is not in the archive",
)
def handler_not_found(archive: Archive, context: Context) -> Iterator[Hit]:
    """The worker imports the handler by its bare name from the root of the model folder.

    ## What it finds
    Handlers whose file is not at the root of the archive and which are no handler of the server. Of the name in the
    manifest the loader drops what follows `:`, a trailing `.py` and all folders, so `pkg/handler.py` needs
    `handler.py` at the root.

    ## Why it matters
    No worker starts. The last line of the traceback is misleading: after the import fails the loader tries its own
    handlers and complains of `ts.torch_handler.handler.py`. torch-model-archiver looks at names of files only, and
    an `--extra-files` of the same base name overwrites the handler.

    ## Seen as
    * `ModuleNotFoundError: No module named 'handler'`
    * `ModuleNotFoundError: No module named 'ts.torch_handler.handler'; 'ts.torch_handler.handler' is not a package`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Pack the file with `--handler path/to/handler.py` (the archiver puts it at the root), or correct the name.

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `_load_handler_file` and `_load_default_handler`
    """
    yield from told(archive, context, "handler-not-found")

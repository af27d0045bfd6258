"""MDR631: `serializedFile` names a file that is not in the archive."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR631",
    slug="serialized-file",
    severity=Severity.ERROR,
    since="0.1",
    summary="`serializedFile` names a file that is not in the archive",
)
def serialized_file(archive: Archive, context: Context) -> Iterator[Hit]:
    """The stock `initialize` loads the file that the manifest names.

    ## What it finds
    Manifests whose `serializedFile` is not a member, or is no text, when the handler comes from `BaseHandler` and
    uses its `initialize`.

    ## Why it matters
    No worker starts, and the archiver said nothing when the archive was built: it never looks inside a file.

    ## Seen as
    * `FileNotFoundError: [Errno 2] No such file or directory: '…/model.pth'`
    * `ValueError: The provided filename …/model.pt does not exist`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Pack it with `--serialized-file`; the archiver writes the name by itself.

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `initialize`, `_load_torchscript_model`,
      `_load_pickled_model`
    """
    yield from told(archive, context, "serialized-file")

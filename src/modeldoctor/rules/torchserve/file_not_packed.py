"""MDR630: the handler opens a file that is not in the archive."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR630",
    slug="file-not-packed",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler opens a file that is not in the archive",
)
def file_not_packed(archive: Archive, context: Context) -> Iterator[Hit]:
    """A path that the code joins to `model_dir`, or gives as a relative one, names no member.

    ## What it finds
    Files that are opened or loaded on every way through `initialize` and are not there; the nearest member is
    named. Relative paths are fine: the worker runs in the model folder. Paths outside it are noted.

    ## Why it matters
    No worker starts. It usually comes from renaming the weights when they are packed.

    ## Seen as
    * `FileNotFoundError: [Errno 2] No such file or directory: '/tmp/models/5f1e…/my_model.pt'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Take the name from the manifest instead of writing it twice:

    ```python
    name = context.manifest["model"]["serializedFile"]
    path = os.path.join(context.system_properties.get("model_dir"), name)
    ```

    ## References
    * github:pytorch/serve, `J/wlm/WorkerLifeCycle.java` (the working directory); `ts/context.py`,
      `system_properties`
    """
    yield from told(archive, context, "file-not-packed")

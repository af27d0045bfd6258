"""MDR611: `runtime` in the manifest is not one that works."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR611",
    slug="manifest-runtime",
    severity=Severity.ERROR,
    since="0.1",
    summary="`runtime` in the manifest is not one that works",
)
def manifest_runtime(archive: Archive, context: Context) -> Iterator[Hit]:
    """`runtime` says which interpreter runs the worker; only `python` means that of the server.

    ## What it finds
    Values other than `python`, `python3` and `LSP` (error), `python3` (warning), which is looked up on PATH, and
    `LSP` (error), the C++ backend, which the package and the stock images do not hold.

    ## Why it matters
    An unknown value is refused. With `python3` the worker starts under whatever interpreter stands first on PATH:
    in a virtual environment that is not activated this is one without TorchServe.

    ## Seen as
    * `InvalidModelException: Runtime is not defined or invalid.` (400)
    * `ModuleNotFoundError: No module named 'ts'`
    * `WorkerInitializationException: model_worker_socket not found`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Pack with `--runtime python`, the default of the archiver. For another interpreter start the server with that
    one.

    ## References
    * github:pytorch/serve, `archive/model/Manifest.java`, `RuntimeType`; `J/util/messages/EnvironmentUtils.java`,
      `getPythonRunTime`
    """
    yield from told(archive, context, "manifest-runtime")

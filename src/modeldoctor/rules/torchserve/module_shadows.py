"""MDR628: a file of the archive hides a module that the worker itself imports."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR628",
    slug="module-shadows",
    severity=Severity.ERROR,
    since="0.1",
    summary="a file of the archive hides a module that the worker itself imports",
)
def module_shadows(archive: Archive, context: Context) -> Iterator[Hit]:
    """The model folder stands before the standard library and site-packages on the worker's path.

    ## What it finds
    Python files and packages at the root that have the name of a module which the worker imports before the
    handler: `json.py`, `types.py`, `queue.py`, `yaml/`… Names that only torch imports, and copies that hold what is
    needed, are warnings. Modules that Python has built in (`os`, `sys`, `time`) cannot be hidden.

    ## Why it matters
    The worker dies before it answers at all, with an error inside a library that has nothing to do with the
    handler.

    ## Seen as
    * `AttributeError: module 'json' has no attribute 'JSONEncoder'`
    * `WorkerInitializationException: Backend stream closed.`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Rename the file so that nothing else has its name: `my_types.py`, `request_queue.py`.

    ## References
    * github:pytorch/serve, `J/util/messages/EnvironmentUtils.java`, `getEnvString`; measured for every module of
      the chain (tables/torchserve.json)
    """
    yield from told(archive, context, "module-shadows")

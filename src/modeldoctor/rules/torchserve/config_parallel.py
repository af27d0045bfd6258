"""MDR648: `parallelType` needs `torchrun`, or is not known."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR648",
    slug="config-parallel",
    severity=Severity.ERROR,
    since="0.1",
    summary="`parallelType` needs `torchrun`, or is not known",
)
def config_parallel(archive: Archive, context: Context) -> Iterator[Hit]:
    """A model that is split over devices is started through torchrun, whose options the configuration must hold.

    ## What it finds
    `parallelType` of `pp`, `tp` or `pptp` with a `parallelLevel` and no `torchrun` (error), and types that the
    server does not know (warning).

    ## Why it matters
    The frontend takes the options without asking whether they are there, and no worker starts.

    ## Seen as
    * `WARN WorkerThread - Backend worker thread exception.`
    * `java.lang.NullPointerException: Cannot invoke "ModelConfig$TorchRun.getOmpNumberThreads()"`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Add the options, or manage processes yourself with `parallelType: custom`:

    ```yaml
    parallelType: tp
    torchrun:
      nproc-per-node: 4
    ```

    ## References
    * github:pytorch/serve, `J/wlm/WorkerLifeCycle.java`, `attachRunner`; `archive/model/ModelConfig.java`,
      `TorchRun`
    """
    yield from told(archive, context, "config-parallel")

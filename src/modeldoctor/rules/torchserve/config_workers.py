"""MDR645: `minWorkers` and `maxWorkers` do not make a pair, so both are ignored."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR645",
    slug="config-workers",
    severity=Severity.WARNING,
    since="0.1",
    summary="`minWorkers` and `maxWorkers` do not make a pair, so both are ignored",
)
def config_workers(archive: Archive, context: Context) -> Iterator[Hit]:
    """The frontend takes the two together, or not at all.

    ## What it finds
    `maxWorkers` below `minWorkers` (warning), and one of the two alone (info).

    ## Why it matters
    Registered by API the model then has no worker at all until somebody scales it; at start-up the default number
    is used. With a valid pair the register call itself starts the workers, and answers 500 when they fail.

    ## Seen as
    * `WARN ModelServer - Invalid model config in mar, minWorkers:4, maxWorkers:1` (at start-up; through the API no
      line)

    The line stands in `logs/ts_log.log` and on the console; the HTTP answers stay 200.

    ## Fix
    Set both:

    ```yaml
    minWorkers: 1
    maxWorkers: 4
    ```

    ## References
    * github:pytorch/serve, `J/util/ApiUtils.java`, `handleRegister`; `J/ModelServer.java`, `initModelStore`
    """
    yield from told(archive, context, "config-workers")

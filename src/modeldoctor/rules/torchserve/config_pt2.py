"""MDR647: `pt2` of model-config.yaml breaks the stock `initialize`."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR647",
    slug="config-pt2",
    severity=Severity.ERROR,
    since="0.1",
    summary="`pt2` of model-config.yaml breaks the stock `initialize`",
)
def config_pt2(archive: Archive, context: Context) -> Iterator[Hit]:
    """The stock handler takes `pt2` apart without looking at its type.

    ## What it finds
    `pt2: {compile: …}` without `enable`, `pt2` without a value or as a list (error), and the deprecated short form
    (info), when the stock `initialize` runs.

    ## Why it matters
    No worker starts, and the archiver said nothing when the archive was built: it never looks inside a file.

    ## Seen as
    * `KeyError: 'enable'`
    * `TypeError: argument of type 'NoneType' is not iterable`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Write the whole form:

    ```yaml
    pt2:
      compile:
        enable: true
        backend: inductor
    ```

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `initialize`; issue 3164
    """
    yield from told(archive, context, "config-pt2")

"""MDR644: a value of model-config.yaml has the wrong type or range."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR644",
    slug="config-value",
    severity=Severity.WARNING,
    since="0.1",
    summary="a value of model-config.yaml has the wrong type or range",
)
def config_value(archive: Archive, context: Context) -> Iterator[Hit]:
    """The frontend warns and keeps its default, or changes the value without a word.

    ## What it finds
    Values that are not of the type that the key wants (a number in quotes, a float), and numbers below the least
    that counts.

    ## Why it matters
    The model serves, but not as configured, and the HTTP answers do not show it.

    ## Seen as
    * `WARN ModelConfig - Invalid minWorkers: two, should be integer`
    * `WARN ModelConfig - Invalid responseTimeout:0`

    The line stands in `logs/ts_log.log` and on the console; the HTTP answers stay 200.

    ## Fix
    Write integers without quotes, and `true` or `false` for flags.

    ## References
    * github:pytorch/serve, `archive/model/ModelConfig.java`, `build` and the setters below it
    """
    yield from told(archive, context, "config-value")

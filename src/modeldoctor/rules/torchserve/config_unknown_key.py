"""MDR643: a key of model-config.yaml is ignored, and looks like one that is read."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR643",
    slug="config-unknown-key",
    severity=Severity.WARNING,
    since="0.1",
    summary="a key of model-config.yaml is ignored, and looks like one that is read",
)
def config_unknown_key(archive: Archive, context: Context) -> Iterator[Hit]:
    """The frontend knows a fixed list of keys, in camel case; every other one is skipped without a word.

    ## What it finds
    Keys that differ from a known one in case, `_` or a letter: `batch_size`, `min_workers`, `maxworkers`. Keys that
    are like none are left alone, for a handler may read its own through `context.model_yaml_config`.

    ## Why it matters
    The setting does not take effect: batches of one, the default number of workers, the default timeout.

    ## Seen as
    * (no line: the frontend skips keys that it does not know)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Write the key as the server does: `minWorkers`, `maxWorkers`, `batchSize`, `maxBatchDelay`, `responseTimeout`,
    `deviceType`…

    ## References
    * github:pytorch/serve, `archive/model/ModelConfig.java`, `build`
    """
    yield from told(archive, context, "config-unknown-key")

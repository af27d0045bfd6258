"""MDR642: model-config.yaml holds keys that only the manifest can set."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR642",
    slug="config-dead-key",
    severity=Severity.WARNING,
    since="0.1",
    summary="model-config.yaml holds keys that only the manifest can set",
)
def config_dead_key(archive: Archive, context: Context) -> Iterator[Hit]:
    """`handler`, `modelName` and `serializedFile` are read from the manifest, never from here.

    ## What it finds
    Those keys at the top of model-config.yaml. (A mapping under `handler` is another thing: some handlers read
    their options there.)

    ## Why it matters
    Nobody reads them, so right and wrong values make no difference. Guides that call this file the place for the
    handler are wrong: the archive serves with a nonsense value here, and fails with a right one when the manifest
    is wrong.

    ## Seen as
    * (no line: the frontend skips keys that it does not know)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Pack with `--handler`, `--model-name`, `--version` and `--serialized-file`, which write the manifest, and drop
    the keys here.

    ## References
    * github:pytorch/serve, `archive/model/ModelConfig.java`, `build` (`default: break`); `J/wlm/ModelManager.java`
    """
    yield from told(archive, context, "config-dead-key")

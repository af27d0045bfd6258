"""MDR649: a model-config.yaml is packed that nobody reads."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR649",
    slug="config-unread",
    severity=Severity.INFO,
    since="0.1",
    summary="a model-config.yaml is packed that nobody reads",
)
def config_unread(archive: Archive, context: Context) -> Iterator[Hit]:
    """Only the file that `configFile` in the manifest names is read.

    ## What it finds
    `model-config.yaml` at the root of an archive whose manifest has no `configFile`.

    ## Why it matters
    Its settings do not take effect. It happens when the file is packed with `--extra-files` instead of
    `--config-file`.

    ## Seen as
    * (no line: the frontend does not look for the file)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Pack it with `--config-file model-config.yaml`, or leave it out.

    ## References
    * github:pytorch/serve, `archive/model/ModelArchive.java`, `getModelConfig`; `ts/service.py`
    """
    yield from told(archive, context, "config-unread")

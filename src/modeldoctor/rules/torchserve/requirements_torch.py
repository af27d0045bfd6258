"""MDR627: the archive asks for another torch than the server has."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR627",
    slug="requirements-torch",
    severity=Severity.WARNING,
    since="0.1",
    summary="the archive asks for another torch than the server has",
)
def requirements_torch(archive: Archive, context: Context) -> Iterator[Hit]:
    """A pin of torch in an archive does nothing, or replaces the server's torch for this model.

    ## What it finds
    Requirements whose torch specifier the torch of the server does not satisfy. The server's is known by `--torch`
    or from its image; without it nothing is said.

    ## Why it matters
    With installation off the pin is never read and the model runs on the server's torch. With it on, pip puts the
    other torch into the model folder, before the server's own: a download of gigabytes at every registration, and
    often a build for another CUDA.

    ## Seen as
    * (no line: the file is never read)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Test the model with the torch of the server, or choose the image whose torch the model was made with.

    ## References
    * github:pytorch/serve, `J/wlm/ModelManager.java`, `setupModelDependencies`: `pip install -U -t <model folder>`
    """
    yield from told(archive, context, "requirements-torch")

"""MDR610: the manifest names no model."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR610",
    slug="model-name-missing",
    severity=Severity.ERROR,
    since="0.1",
    summary="the manifest names no model",
)
def model_name_missing(archive: Archive, context: Context) -> Iterator[Hit]:
    """The register call needs a name: from the manifest, or from its own parameter.

    ## What it finds
    Manifests without `model.modelName`, or with an empty one.

    ## Why it matters
    Through the API the archive is refused unless the call has `model_name=`. With `--models` at start-up the name
    of the file is taken, so the same archive that serves there cannot be registered by a client.

    ## Seen as
    * `InvalidModelException: Model name is not defined.` (400)

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Pack with `--model-name`, or add the key to the manifest:

    ```json
    {"model": {"modelName": "resnet"}}
    ```

    ## References
    * github:pytorch/serve, `archive/model/ModelArchive.java`, `validate`; `J/wlm/ModelManager.java`,
      `createModelArchive`; `J/ModelServer.java`, `getDefaultModelName`
    """
    yield from told(archive, context, "model-name-missing")

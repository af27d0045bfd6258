"""MDR608: the frontend cannot parse the manifest."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR608",
    slug="manifest-invalid",
    severity=Severity.ERROR,
    since="0.1",
    summary="the frontend cannot parse the manifest",
)
def manifest_invalid(archive: Archive, context: Context) -> Iterator[Hit]:
    """The manifest is parsed by Gson in the frontend, which takes more than JSON but not this.

    ## What it finds
    Manifests that are no JSON object, have a wrong type in a key that the server reads, are empty, or have a
    `model` that is null. Comments, single quotes and words without quotes pass here; see `manifest-lenient` for
    what the worker says to them.

    ## Why it matters
    The archive cannot be registered. An empty file and a null `model` meet no guard at all: with `--models` at
    start-up the whole server ends because of them.

    ## Seen as
    * `InvalidModelException: Failed to parse signature.json.` (400; the file is called MANIFEST.json all the same)
    * `java.lang.NullPointerException` (500 through the API; at start-up the process exits)

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Let torch-model-archiver write the manifest; do not edit it by hand.

    ## References
    * github:pytorch/serve, `archive/utils/ArchiveUtils.java`, `readFile`; `J/wlm/ModelManager.java`,
      `createModelArchive`; Gson 2.9.0
    """
    yield from told(archive, context, "manifest-invalid")

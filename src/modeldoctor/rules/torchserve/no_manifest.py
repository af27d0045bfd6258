"""MDR601: the archive has no manifest where the server looks for it."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR601",
    slug="no-manifest",
    severity=Severity.ERROR,
    since="0.1",
    summary="the archive has no manifest where the server looks for it",
)
def no_manifest(archive: Archive, context: Context) -> Iterator[Hit]:
    """TorchServe reads `MAR-INF/MANIFEST.json` at the root of an archive and nothing else.

    ## What it finds
    Archives without that member: it is missing, lies at the root or in a folder of the zip, or has another case of
    letters. Of a gzip'd tar the server cuts off the first folder of every name, so a tar without a folder around
    its files loses it too.

    ## Why it matters
    An absent manifest is not an error by itself: the server goes on with an empty one. Through the API it then has
    no model name and refuses. With `model_name=` on the call, or at start-up, it registers the model and the worker
    dies, for without a handler the path of the model folder is sent in its place.

    ## Seen as
    * `InvalidModelException: Model name is not defined.` (400)
    * `ModuleNotFoundError: No module named 'ts.torch_handler./tmp/models/5f1e…'`

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Let the archiver write it, and pack the contents of the folder, not the folder:

    ```sh
    torch-model-archiver --model-name m --version 1.0 --handler handler.py --serialized-file model.pt
    (cd m && zip -r ../m.mar .)
    ```

    ## References
    * github:pytorch/serve, `archive/model/ModelArchive.java`, `load`; `utils/ZipUtils.java`,
      `decompressTarGzipFile`
    """
    yield from told(archive, context, "no-manifest")

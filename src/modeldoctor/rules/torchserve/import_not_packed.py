"""MDR623: an import needs a module that the archive does not hold."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR623",
    slug="import-not-packed",
    severity=Severity.ERROR,
    since="0.1",
    summary="an import needs a module that the archive does not hold",
)
def import_not_packed(archive: Archive, context: Context) -> Iterator[Hit]:
    """The handler is a module at the top of the model folder, where relative imports fail.

    ## What it finds
    Relative imports in modules at the root, imports of submodules that the archive's packages lack, and imports of
    the project's own modules (`src`, `models`, a name close to a packed one) that are not there. Imports that `try`
    catches, and those of `TYPE_CHECKING`, do not count.

    ## Why it matters
    No worker starts. torch-model-archiver flattens everything to the root: `--extra-files src` packs the contents
    of `src`, so `from src.model import Net` cannot work, while `from model import Net` does. The last line of the
    traceback speaks of `ts.torch_handler.handler`; the true cause stands above it.

    ## Seen as
    * `ImportError: attempted relative import with no known parent package`
    * `ModuleNotFoundError: No module named 'src'`
    * `ModuleNotFoundError: No module named 'ts.torch_handler.handler'` (the last line, misleading)

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Import by the bare name of what lies at the root, and pack it with `--extra-files model.py`.

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `_load_handler_file`; `model_packaging_utils.py`; Python,
      `importlib`
    """
    yield from told(archive, context, "import-not-packed")

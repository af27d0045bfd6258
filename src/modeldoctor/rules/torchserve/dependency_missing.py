"""MDR624: an import needs a package that the server may not have."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR624",
    slug="dependency-missing",
    severity=Severity.WARNING,
    since="0.1",
    summary="an import needs a package that the server may not have",
)
def dependency_missing(archive: Archive, context: Context) -> Iterator[Hit]:
    """The worker runs in the environment of the server; the archive brings only its own files.

    ## What it finds
    Imports of packages that are neither in the archive nor in its requirements. When the environment is known (a
    Dockerfile with `FROM pytorch/torchserve` beside the archive) a package that is not in it is an error, else it
    is only noted. The handlers of the server need packages too: `image_classifier` needs torchvision and captum,
    which no dependency of the wheel installs.

    ## Why it matters
    Where the package is missing no worker starts, and the last line of the traceback names
    `ts.torch_handler.<handler>` instead.

    ## Seen as
    * `ModuleNotFoundError: No module named 'torchvision'`
    * `ModuleNotFoundError: No module named 'ts.torch_handler.handler'` (the last line, misleading)

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Install it in the image or environment of the server. Requirements in the archive count only with
    `install_py_dep_per_model=true`.

    ## References
    * github:pytorch/serve, `requirements/common.txt`; `ts/torch_handler/vision_handler.py`; the metadata of the
      wheel, `Requires-Dist`
    """
    yield from told(archive, context, "dependency-missing")

"""MDR626: `requirementsFile` names a file that is not packed."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR626",
    slug="requirements-missing",
    severity=Severity.ERROR,
    since="0.1",
    summary="`requirementsFile` names a file that is not packed",
)
def requirements_missing(archive: Archive, context: Context) -> Iterator[Hit]:
    """With `install_py_dep_per_model=true` the register call runs pip on the file that the manifest names.

    ## What it finds
    Manifests whose `requirementsFile` is not a member: an error when the server installs requirements, else a note.

    ## Why it matters
    pip fails and the register call with it; what pip said stands only in the log of the frontend.

    ## Seen as
    * `ModelException: Custom pip package installation failed for model m` (400)
    * `ERROR: Could not open requirements file: [Errno 2] No such file or directory`

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Pack it with `--requirements-file requirements.txt`, or drop the key from the manifest.

    ## References
    * github:pytorch/serve, `J/wlm/ModelManager.java`, `setupModelDependencies`
    """
    yield from told(archive, context, "requirements-missing")

"""MDR612: the manifest leaves out what the server fills in."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR612",
    slug="manifest-defaults",
    severity=Severity.INFO,
    since="0.1",
    summary="the manifest leaves out what the server fills in",
)
def manifest_defaults(archive: Archive, context: Context) -> Iterator[Hit]:
    """Some keys of the manifest have defaults, with or without a warning in the log.

    ## What it finds
    Manifests without `modelVersion`, `archiverVersion` or `createdOn`, all of which the archiver writes by itself.

    ## Why it matters
    Nothing breaks: the version becomes `1.0`, the others are only warned about. It shows that the manifest was not
    written by torch-model-archiver, and two archives without a version cannot be registered under one name.

    ## Seen as
    * `WARN ModelArchive - Model archive version is not defined. Please upgrade to torch-model-archiver 0.2.0 or
      higher`
    * `WARN ModelArchive - Model archive createdOn is not defined. Please upgrade to torch-model-archiver 0.2.0 or
      higher`

    The line stands in `logs/ts_log.log` and on the console; the HTTP answers stay 200.

    ## Fix
    Build the archive with torch-model-archiver, and give it a `--version`.

    ## References
    * github:pytorch/serve, `archive/model/ModelArchive.java`, `validate`; `J/wlm/ModelManager.java`,
      `createModelArchive`
    """
    yield from told(archive, context, "manifest-defaults")

"""MDR604: a member would be written outside the model folder."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR604",
    slug="zip-slip",
    severity=Severity.ERROR,
    since="0.1",
    summary="a member would be written outside the model folder",
)
def zip_slip(archive: Archive, context: Context) -> Iterator[Hit]:
    """A member's name leads out of the folder that the archive is unpacked in, or is no name at all.

    ## What it finds
    Names with enough `..` to leave the model folder (for a tar: after its first folder is cut off), names with a
    NUL byte, and names longer than a file system takes. Absolute names are harmless: the server puts them below the
    model folder.

    ## Why it matters
    The server refuses the whole archive. Other tools unpack such a member where it points to, so an archive that
    holds one was either packed from the wrong folder or made to overwrite files.

    ## Seen as
    * `java.io.IOException: Detected Zip Slip vulnerability: ../../evil.txt`
    * `InternalServerException: Failed to save model: m.mar` (500)

    Through the API the answer is `Failed to save model: m.mar` (500) and no log has a line about it. Only at
    start-up (`--models`) the cause is written to `logs/ts_log.log` and the console, after `Failed to load model:`.

    ## Fix
    Pack from inside the folder that holds the files, and look twice at where an archive with such a name comes
    from.

    ## References
    * github:pytorch/serve, `archive/utils/ZipUtils.java`, the check in `unzip`
    """
    yield from told(archive, context, "zip-slip")

"""MDR607: part of the archive was not read, or it unpacks to far more than it should."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR607",
    slug="archive-limits",
    severity=Severity.WARNING,
    since="0.1",
    summary="part of the archive was not read, or it unpacks to far more than it should",
)
def archive_limits(archive: Archive, context: Context) -> Iterator[Hit]:
    """Something in the archive is beyond what is read here, or beyond what an archive of a model needs.

    ## What it finds
    Archives that unpack to hundreds of times their size (a bomb), members that cannot be read, texts and model
    files above the limits of this tool, and more members or model files than are looked at.

    ## Why it matters
    What is not read is not judged: *not checked* is not *clean*. A bomb fills the disk of the server, which unpacks
    every member without a limit into its temporary folder.

    ## Seen as
    * `java.io.IOException: No space left on device`
    * `InternalServerException: Failed to save model: m.mar` (500)

    Through the API the answer is `Failed to save model: m.mar` (500) and no log has a line about it. Only at
    start-up (`--models`) the cause is written to `logs/ts_log.log` and the console, after `Failed to load model:`.

    ## Fix
    Look at the named member by itself: `modeldoctor check` takes single files. Leave out of the archive what the
    handler does not need.

    ## References
    * docs/limits.md here; github:pytorch/serve, `archive/utils/ZipUtils.java`, `unzip`
    """
    yield from told(archive, context, "archive-limits")

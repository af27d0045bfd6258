"""MDR602: the bytes are not what the server takes a file of this name for."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR602",
    slug="not-an-archive",
    severity=Severity.ERROR,
    since="0.1",
    summary="the bytes are not what the server takes a file of this name for",
)
def not_an_archive(archive: Archive, context: Context) -> Iterator[Hit]:
    """The name decides how the server reads a file: `.mar` as a zip, every other name as a gzip'd tar.

    ## What it finds
    Files named `.mar` that are no zip (a Git LFS pointer, an error page, a gzip'd tar), zips under another name,
    and tars that are not compressed.

    ## Why it matters
    Nobody looks at the bytes. A `.mar` that is no zip unpacks to nothing without an error, and the register call
    complains of a missing name instead. A zip named `.zip` is read as gzip and refused without a reason.

    ## Seen as
    * `InvalidModelException: Model name is not defined.` (400)
    * `InternalServerException: Failed to save model: m.zip` (500)

    Through the API the answer is `Failed to save model: m.mar` (500) and no log has a line about it. Only at
    start-up (`--models`) the cause is written to `logs/ts_log.log` and the console, after `Failed to load model:`.

    ## Fix
    Fetch the real file (`git lfs pull`), or give the archive the name that fits its bytes: `.mar` for a zip,
    `.tar.gz` for a gzip'd tar.

    ## References
    * github:pytorch/serve, `archive/model/ModelArchive.java`, `downloadModel`; `java.util.zip.ZipInputStream`
    """
    yield from told(archive, context, "not-an-archive")

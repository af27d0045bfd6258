"""MDR603: the server cannot unpack the archive to its end."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR603",
    slug="archive-unreadable",
    severity=Severity.ERROR,
    since="0.1",
    summary="the server cannot unpack the archive to its end",
)
def archive_unreadable(archive: Archive, context: Context) -> Iterator[Hit]:
    """The server unpacks every member of the archive, in the order of the bytes, before it looks at any.

    ## What it finds
    Archives that end inside a member, members that are encrypted or packed with another method than deflate, and
    stored members whose size stands behind them, which Java refuses although other tools read them.

    ## Why it matters
    One such member is enough: nothing of the archive is kept. Python's `zipfile` and `unzip` read the directory at
    the end and may list such an archive without complaint.

    ## Seen as
    * `InternalServerException: Failed to save model: m.mar` (500)
    * `java.io.EOFException: Unexpected end of ZLIB input stream`

    Through the API the answer is `Failed to save model: m.mar` (500) and no log has a line about it. Only at
    start-up (`--models`) the cause is written to `logs/ts_log.log` and the console, after `Failed to load model:`.

    ## Fix
    Build the archive again with torch-model-archiver, and compare sizes or digests after copying it: a cut copy is
    the usual cause.

    ## References
    * github:pytorch/serve, `archive/utils/ZipUtils.java`, `unzip`; OpenJDK 17, `java/util/zip/ZipInputStream.java`
    """
    yield from told(archive, context, "archive-unreadable")

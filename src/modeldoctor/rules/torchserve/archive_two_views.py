"""MDR606: the server unpacks other members than tools show."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR606",
    slug="archive-two-views",
    severity=Severity.WARNING,
    since="0.1",
    summary="the server unpacks other members than tools show",
)
def archive_two_views(archive: Archive, context: Context) -> Iterator[Hit]:
    """The server reads an archive as a stream; tools read the directory at its end. Here the two disagree.

    ## What it finds
    Members that only the directory or only the stream knows (bytes before the archive, gaps, members that were
    deleted from the directory), members that are written twice, and links in a tar, which the server unpacks as
    empty files.

    ## Why it matters
    What was reviewed or tested with other tools is then not what is served. An archive with bytes before it unpacks
    to nothing, a linked handler or model is empty.

    ## Seen as
    * `InvalidModelException: Model name is not defined.` (when nothing is reached)
    * `EOFError: Ran out of input` (for a model that was a link)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Pack the archive afresh from the files. For a tar follow links while packing: `tar czhf m.tar.gz m/`.

    ## References
    * github:pytorch/serve, `archive/utils/ZipUtils.java`; OpenJDK 17, `java/util/zip/ZipInputStream.java`
    """
    yield from told(archive, context, "archive-two-views")

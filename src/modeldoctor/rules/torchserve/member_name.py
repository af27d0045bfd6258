"""MDR605: a member name that the frontend cannot decode or write."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR605",
    slug="member-name",
    severity=Severity.ERROR,
    since="0.1",
    summary="a member name that the frontend cannot decode or write",
)
def member_name(archive: Archive, context: Context) -> Iterator[Hit]:
    """Names of members must be UTF-8, and the server must have a locale that can write them.

    ## What it finds
    Zip members whose names are not UTF-8 (error), as old tools on Windows write them, and members with letters
    outside ASCII (info), which a server started without a UTF-8 locale, as in most containers, cannot create.

    ## Why it matters
    Java throws an exception that nobody expects there. Through the API the register call answers 403; with
    `--models` at start-up the whole server ends before it listens, because of this one file.

    ## Seen as
    * `Invalid configuration: malformed input off : 0, length : 1` (at start-up, and the process exits)
    * `java.nio.file.InvalidPathException: Malformed input or input contains unmappable characters`

    The register call (`POST /models?url=…`) answers with it. With `--models` at start-up the same stands in
    `logs/ts_log.log` and on the console after `Failed to load model:`; the exit code of the server says nothing.

    ## Fix
    Rename the files with ASCII letters and pack again. For UTF-8 names set `LC_ALL=C.UTF-8` in the environment of
    the server.

    ## References
    * OpenJDK 17, `java/util/zip/ZipInputStream.java`, `readLOC`; github:pytorch/serve,
      `J/http/HttpRequestHandler.java`
    """
    yield from told(archive, context, "member-name")

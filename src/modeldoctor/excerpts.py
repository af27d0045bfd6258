"""Lines of the texts that findings are about: for the snippets of a report and for comments that suppress.

Only the engine reads them; rules know facts, and reporters know findings.
"""

import os
from functools import lru_cache

from modeldoctor.findings import Finding

# Texts that people write are smaller; of larger ones there are no snippets, and comments in them are not seen.
TEXT_LIMIT = 4 << 20

# What a snippet may show.
MOST_LINES, MOST_COLUMNS = 6, 200


@lru_cache(maxsize=64)
def lines_of(path: str) -> tuple[str, ...]:
    """The lines of a text; none when it can't be read, is not text or is larger than `TEXT_LIMIT`."""
    try:
        # Not a pipe or device: opening one may wait for ever.
        if not os.path.isfile(path) or os.path.getsize(path) > TEXT_LIMIT:
            return ()
        with open(path, "rb") as file:
            data = file.read(TEXT_LIMIT)
    except (OSError, ValueError):  # a name with a null byte is a ValueError
        return ()
    return () if b"\0" in data else tuple(data.decode("utf-8-sig", "replace").split("\n"))


def with_snippet(finding: Finding) -> Finding:
    """The finding with the lines that it and its related places in the same file are about."""
    where = finding.where
    if where.line is None or where.member is not None:
        return finding
    lines = lines_of(where.path)
    last = min(where.end_line or where.line, where.line + 2)
    wanted = {*range(where.line, last + 1)}
    for other in finding.related:
        place = other.where
        if place.path == where.path and place.member is None and place.line and len(wanted) < MOST_LINES:
            wanted.add(place.line)
    snippet = tuple(
        (number, lines[number - 1].rstrip("\r")[:MOST_COLUMNS]) for number in sorted(wanted) if 0 < number <= len(lines)
    )
    return finding._replace(snippet=snippet)

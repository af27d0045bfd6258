"""The members of a tar archive, from its headers alone: nothing is unpacked and no length in it is believed.

The layout is that of POSIX.1-2001 pax and of GNU tar (`tar/src/tar.h`): blocks of 512 bytes, a header before each
member.
"""

from typing import NamedTuple

from modeldoctor.facts.checkpoint import Problem
from modeldoctor.storage import Source

BLOCK = 512
# More members than any archive around a model has.
MAX_MEMBERS = 10_000
# The longest path name that is believed (PATH_MAX on Linux is 4096); a longer one stays as the header has it.
_MAX_NAME_BYTES = 4096
_MAX_TOLD = 20

_REGULAR = frozenset(b"0\0 7")
_LINKS = frozenset(b"12")
_LONG_NAME, _PAX, _PAX_GLOBAL, _LONG_LINK = ord("L"), ord("x"), ord("g"), ord("K")


class Member(NamedTuple):
    """One regular file in the archive; `offset` is where its bytes begin. A `link` has none."""

    name: str
    size_bytes: int
    offset: int
    link: bool = False


class Tar(NamedTuple):
    """The regular files in archive order, and what is wrong with the archive."""

    members: tuple[Member, ...]
    problems: tuple[Problem, ...] = ()


def read_tar(source: Source, *, limit: int = MAX_MEMBERS, links: bool = False) -> Tar:
    """The first `limit` regular files. Damage ends the reading and is a problem; it never raises for content.

    `links`: symbolic and hard links are listed too.
    """
    members: list[Member] = []
    problems: list[Problem] = []
    at = 0
    blocks = 0
    long_name = ""
    while at + BLOCK <= source.size and len(members) < limit:
        blocks += 1
        header = source.read_at(at, BLOCK)
        size = _number(header[124:136])
        if not any(header):
            break  # the end of the archive is two blocks of zeros
        if size is None or not sums_up(header) or blocks > 4 * MAX_MEMBERS:
            problems.append(Problem("damaged", "the tar header here is damaged, what follows was not read", byte=at))
            break
        kind, data = header[156], at + BLOCK
        if kind in {_LONG_NAME, _PAX}:
            long_name = _long_name(source, data, size, kind) or long_name
        elif kind not in {_PAX_GLOBAL, _LONG_LINK}:
            name, long_name = long_name or _short_name(header), ""
            if kind in _REGULAR and not name.endswith("/"):
                members.append(Member(name, size, data))
                problems += _member_problems(members[-1], source.size)
            elif links and kind in _LINKS:
                members.append(Member(name, 0, data, link=True))
        at = data + -(-size // BLOCK) * BLOCK
    if len(members) == limit == MAX_MEMBERS:
        problems.append(Problem("limit", f"has more than {MAX_MEMBERS:,} members, the others were not read", byte=at))
    return Tar(tuple(members), tuple(problems[:_MAX_TOLD]))


def _member_problems(member: Member, file_bytes: int) -> list[Problem]:
    problems = []
    if member.offset + member.size_bytes > file_bytes:
        problems.append(Problem("truncated", "the member ends behind the end of the file", member.name, member.offset))
    if member.name.startswith("/") or ".." in member.name.split("/"):
        problems.append(Problem("unsafe-name", "member name leads out of the archive", member.name, member.offset))
    return problems


def _short_name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _long_name(source: Source, at: int, size: int, kind: int) -> str:
    """The name that a GNU `L` header or a pax `path` record gives the next member."""
    raw = source.read_at(at, min(size, _MAX_NAME_BYTES))
    if kind == _LONG_NAME:
        return _text(raw)
    for line in raw.split(b"\n"):
        _, _, record = line.partition(b" ")
        if record.startswith(b"path="):
            return _text(record[5:])
    return ""


def _number(field: bytes) -> int | None:
    """A size: octal digits, or with the high bit set a big-endian binary number (GNU)."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        return None
    return int(digits or b"0", 8)


def sums_up(header: bytes) -> bool:
    """Whether the checksum fits: the sum of the header's bytes, with spaces for the checksum itself."""
    return _number(header[148:156]) == sum(header) - sum(header[148:156]) + 8 * 32


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")

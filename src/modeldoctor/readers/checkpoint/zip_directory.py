"""The directory of a zip archive, read tolerantly: what torch's reader opens must not stay unseen here.

Python's `zipfile` raises where the miniz reader inside torch goes on (local names, flags and CRCs that disagree), and
needs a second for 20,000 members. Layouts and field names are those of the ZIP application note (APPNOTE.TXT 6.3.10).
"""

import struct
from collections import Counter
from typing import NamedTuple

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Problem
from modeldoctor.storage import Source
from modeldoctor.wording import size

# More members than any model has, few enough to be listed in a second and 100 MB.
MAX_ENTRIES = 250_000
MAX_DIRECTORY_BYTES = 64 << 20
# How many problems of one kind are told apart; the rest is counted.
MAX_TOLD = 20

LOCAL_SIGNATURE = b"PK\x03\x04"
LOCAL_BYTES = 30
END_SIGNATURE = b"PK\x05\x06"

ENCRYPTED = 0x1 | 0x40  # general purpose bits 0 and 6: traditional and strong encryption
PATCHED = 0x20  # bit 5: compressed patched data, which miniz refuses
DESCRIBED = 0x8  # bit 3: sizes and CRC stand behind the data
UTF8 = 0x800  # bit 11

# For an Entry that was found without a directory.
UNKNOWN_CRC = -1
_UNREADABLE = ENCRYPTED | PATCHED

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4x4xHHIIH")
_LOCATOR = struct.Struct("<4s4xQ4x")
_END64 = struct.Struct("<4s20xQQQQ")
_CENTRAL = struct.Struct("<I4xHH4xIIIHHH8xI")
_CENTRAL_SIGNATURE = 0x02014B50
# The end record and the longest comment: where it is searched (miniz: mz_zip_reader_locate_header_sig).
MAX_TAIL_BYTES = 22 + 0xFFFF
_MAX_32 = 0xFFFFFFFF


class Entry(NamedTuple):
    """One member as the central directory has it; `offset` is the absolute place of its local header."""

    name: str
    flags: int
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    offset: int


class Directory(NamedTuple):
    """All members in directory order. `start` is where the central directory begins, so where the members end.

    `whole` is False when there was no central directory and the members were found by walking.
    """

    entries: tuple[Entry, ...]
    start: int
    zip64: bool = False
    prepended_bytes: int = 0
    appended_bytes: int = 0
    problems: tuple[Problem, ...] = ()
    whole: bool = True


class _End(NamedTuple):
    """What the end of central directory record says, and where it stands."""

    members: int
    size: int
    offset: int
    position: int  # of the record that tells size and offset: the zip64 one when there is one
    zip64: bool
    appended_bytes: int


def read_directory(source: Source) -> Directory:
    """The directory; ReadError of kind `truncated` without an end record, `limit` or `damaged` when it is no use."""
    end = _find_end(source)
    if end.size > MAX_DIRECTORY_BYTES or end.members > MAX_ENTRIES:
        message = f"its directory of {end.members:,} members in {end.size:,} bytes is above the limit"
        raise ReadError(f"{message} of {MAX_ENTRIES:,} members in {MAX_DIRECTORY_BYTES:,} bytes", kind="limit")
    start = end.position - end.size
    if start < 0:
        raise ReadError("its directory is larger than the file", byte=end.position)
    prepended = start - end.offset
    if prepended < 0 or (prepended and not _starts_directory(source, start)):
        # Bytes between the directory and its end record: the recorded offset decides, as in miniz.
        start, prepended = end.offset, 0
    if prepended and end.appended_bytes and source.read_at(0, 4) == LOCAL_SIGNATURE:
        # The last end record is that of a stored member: the archive around it was cut.
        raise ReadError("it has no zip directory of its own at its end", kind="truncated", byte=source.size)
    data = source.read_at(start, end.size)
    entries, problems = _parse(data, start, prepended, source.size)
    if len(entries) != end.members:
        text = f"its directory lists {len(entries):,} members, its end record says {end.members:,}"
        problems.append(Problem("damaged", text, byte=end.position))
    if prepended:
        problems.append(Problem("prepended-data", f"{size(prepended)} before the archive", byte=0))
    if end.appended_bytes:
        text = f"{size(end.appended_bytes)} behind the archive"
        problems.append(Problem("appended-data", text, byte=source.size - end.appended_bytes))
    names = "\0".join([entry.name for entry in entries])
    problems += _unsafe_names(entries, names) + _duplicates(entries, names) + _overlaps(entries, start)
    return Directory(tuple(entries), start, end.zip64, prepended, end.appended_bytes, tuple(problems))


def _starts_directory(source: Source, start: int) -> bool:
    return source.read_at(start, 4) == b"PK\x01\x02"


def _find_end(source: Source) -> _End:
    """The last end record of the file, like miniz and Python; behind it up to 65,535 bytes of comment or junk."""
    position = source.size - 22
    tail = source.read_at(position, 22) if position >= 0 else b""
    if tail[:4] != END_SIGNATURE:
        begin = max(0, source.size - MAX_TAIL_BYTES)
        tail = source.read_at(begin, source.size - begin)
        found = tail.rfind(END_SIGNATURE, 0, max(0, len(tail) - 18))
        if found < 0:
            raise ReadError("it has no zip directory at its end", kind="truncated", byte=source.size)
        position, tail = begin + found, tail[found : found + 22]
    _, members, length, offset, comment = _END.unpack(tail)
    appended = max(0, source.size - position - 22 - comment)
    if position >= 20 and (larger := _find_end64(source, position)):
        return larger._replace(appended_bytes=appended)
    return _End(members, length, offset, position, zip64=False, appended_bytes=appended)


def _find_end64(source: Source, position: int) -> _End | None:
    """The zip64 end record that the locator right before the end record points to."""
    signature, at = _LOCATOR.unpack(source.read_at(position - 20, 20))
    if signature != b"PK\x06\x07":
        return None
    # With bytes before the archive the pointer is off by their number; the record stands before the locator.
    for place in (at, position - 20 - 56):
        if 0 <= place <= position - 20 - 56:
            signature, _, members, length, offset = _END64.unpack(source.read_at(place, 56))
            if signature == b"PK\x06\x06":
                return _End(members, length, offset, place, zip64=True, appended_bytes=0)
    return None


def _parse(data: bytes, start: int, prepended: int, file_bytes: int) -> tuple[list[Entry], list[Problem]]:
    entries: list[Entry] = []
    problems: list[Problem] = []
    keep = entries.append
    unpack = _CENTRAL.unpack_from
    new = tuple.__new__  # a third faster than Entry(...), which counts with 20,000 members
    last = len(data) - 46
    at = 0
    while at <= last:
        signature, flags, method, crc, packed, unpacked, name_bytes, extra_bytes, comment_bytes, offset = unpack(
            data, at
        )
        name_end = at + 46 + name_bytes
        if signature != _CENTRAL_SIGNATURE or name_end > len(data) or len(entries) == MAX_ENTRIES:
            break
        raw = data[at + 46 : name_end]
        try:
            name = raw.decode()
        except UnicodeDecodeError as error:
            name = decode_name(raw, flags)
            problems.append(Problem("unsafe-name", f"member name is not UTF-8: {error.reason}", name, start + at))
        if flags & _UNREADABLE:
            problems.append(Problem("encrypted-member", "is encrypted or patched, which torch does not read", name, at))
        if _MAX_32 in (packed, unpacked, offset):
            extra = data[name_end : name_end + extra_bytes]
            unpacked, packed, offset = zip64_sizes(extra, unpacked, packed, offset)
        offset += prepended
        if offset + packed > file_bytes:
            problems.append(Problem("truncated", "the member ends behind the end of the file", name, offset))
        keep(new(Entry, (name, flags, method, crc, packed, unpacked, offset)))
        at = name_end + extra_bytes + comment_bytes
    if at < len(data):
        problems.append(
            Problem("damaged", f"its directory is unreadable from entry {len(entries):,} on", None, start + at)
        )
    return entries, told(problems)


def zip64_sizes(extra: bytes, unpacked: int, packed: int, offset: int = 0) -> tuple[int, int, int]:
    """The 64-bit values of extra field 0x0001; it holds only those that are 0xFFFFFFFF in the header, in this order."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            values = list(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            return tuple(  # type: ignore[return-value] # three in, three out
                values.pop(0) if value == _MAX_32 and values else value for value in (unpacked, packed, offset)
            )
        at += 4 + length
    return unpacked, packed, offset


def decode_name(raw: bytes, flags: int) -> str:
    """UTF-8; else code page 437 as APPNOTE says for names without bit 11, or what is broken shown with escapes."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace") if flags & UTF8 else raw.decode("cp437")


def _unsafe_names(entries: list[Entry], names: str) -> list[Problem]:
    """Names that lead out of the folder an archive is unpacked in, or that end early in C."""
    suspicious = ".." in names or "\\" in names or ":" in names or "\0/" in names or names[:1] == "/"
    if not suspicious and names.count("\0") == max(0, len(entries) - 1):
        return []
    text = "member name leads out of the archive"
    return told([Problem("unsafe-name", text, e.name, e.offset) for e in entries if _leads_out(e.name)])


def _leads_out(name: str) -> bool:
    steps = name.replace("\\", "/").split("/")
    return ".." in steps or "\0" in name or not steps[0] or (name[1:2] == ":" and name[:1].isalpha())


def _duplicates(entries: list[Entry], names: str) -> list[Problem]:
    """Names that stand more than once. miniz compares them without case (`mz_zip_reader_locate_file`, flags 0)."""
    lowered = names.lower().split("\0")
    if len(set(lowered)) == len(lowered):
        return []
    counts = Counter([entry.name.lower() for entry in entries])
    text = "stands more than once in the archive; which one is read depends on the reader"
    return told([Problem("duplicate-member", text, name, times=n) for name, n in counts.items() if n > 1])


def _overlaps(entries: list[Entry], end: int) -> list[Problem]:
    """Members that share bytes: how zip bombs and files that look different to two readers are made."""
    offsets = [entry.offset for entry in entries]
    ordered = entries if offsets == sorted(offsets) else sorted(entries, key=lambda entry: entry.offset)
    problems: list[Problem] = []
    previous, reached = "", 0
    for name, _, _, _, packed, _, offset in ordered:
        if offset < reached:
            problems.append(Problem("damaged", f"shares bytes with member `{previous}`", name, offset))
        previous, reached = name, offset + LOCAL_BYTES + packed
    if ordered and reached > end > ordered[-1].offset:
        problems.append(Problem("damaged", "shares bytes with the directory", previous, ordered[-1].offset))
    return told(problems)


def told(problems: list[Problem]) -> list[Problem]:
    """At most MAX_TOLD problems of one kind; the last one counts the rest."""
    if len(problems) <= MAX_TOLD:
        return problems
    last = problems[MAX_TOLD - 1]
    return [*problems[: MAX_TOLD - 1], last._replace(times=len(problems) - MAX_TOLD + 1)]

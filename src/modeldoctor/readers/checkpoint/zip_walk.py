"""What is left of a zip archive whose end is missing: members found by walking from one local header to the next."""

import struct
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from modeldoctor.readers.checkpoint.zip_directory import (
    DESCRIBED,
    LOCAL_BYTES,
    LOCAL_SIGNATURE,
    MAX_ENTRIES,
    STORED,
    UNKNOWN_CRC,
    Entry,
    decode_name,
    zip64_sizes,
)
from modeldoctor.storage import Source

# How many bytes may be searched for the end of members whose size is not known beforehand.
MAX_SEARCHED_BYTES = 64 << 20
# How many marks of an end are looked at for one member: random data has one in four billion bytes.
MAX_TRIED = 10_000
_BLOCK_BYTES = 1 << 20
_LOCAL = struct.Struct("<4s2xHH4xIIIHH")
_DESCRIPTOR = b"PK\x07\x08"
# What may follow a member: the next one, or the directory.
_NEXT = (LOCAL_SIGNATURE, b"PK\x01\x02")

Expected = Callable[[str], int | None]
_NOTHING: Mapping[int, int] = MappingProxyType({})


class _Header(NamedTuple):
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    start: int  # of the data


def walk(source: Source, expected: Expected, listed: Mapping[int, int] = _NOTHING) -> Iterator[tuple[Entry, bool]]:
    """The members in file order, and whether each is whole; ends where the file does or where no header follows.

    Sizes that stand behind the data (as torch writes them) are taken from `expected` when the bytes there agree, so
    that large members are skipped; else they are searched for, MAX_SEARCHED_BYTES in all. `listed` are the packed sizes
    that a directory gives for the headers at these offsets.
    """
    offset, budget = 0, MAX_SEARCHED_BYTES
    for _ in range(MAX_ENTRIES):
        header = _header(source, offset)
        if header is None:
            return
        packed, crc = header.packed, header.crc
        if header.flags & DESCRIBED and not packed:
            known = listed.get(offset)
            wanted = known if known is not None else expected(header.name) if header.method == STORED else None
            found = _described(source, header.start, wanted) if wanted is not None else None
            if found is None and wanted is None:
                found = _search(source, header.start, budget)
                budget -= found[0] if found else source.size - header.start
            packed, crc = found or (source.size - header.start + 1, UNKNOWN_CRC)
        size = header.size or packed
        whole = header.start + packed <= source.size
        if not whole:
            packed = size = source.size - header.start
            crc = UNKNOWN_CRC
        yield Entry(header.name, header.flags, header.method, crc, packed, size, offset), whole
        if not whole:
            return
        offset = after(source, header.start + packed)


def _header(source: Source, offset: int) -> _Header | None:
    head = source.read_at(offset, LOCAL_BYTES)
    if len(head) < LOCAL_BYTES or head[:4] != LOCAL_SIGNATURE:
        return None
    _, flags, method, crc, packed, size, name_bytes, extra_bytes = _LOCAL.unpack(head)
    rest = source.read_at(offset + LOCAL_BYTES, name_bytes + extra_bytes)
    if len(rest) < name_bytes + extra_bytes:
        return None
    size, packed, _ = zip64_sizes(rest[name_bytes:], size, packed)
    name = decode_name(rest[:name_bytes], flags)
    return _Header(name, flags, method, crc, packed, size, offset + LOCAL_BYTES + len(rest))


def _described(source: Source, start: int, size: int) -> tuple[int, int] | None:
    """Size and CRC of a stored member when its descriptor stands right behind `size` bytes."""
    if start + size > source.size:
        return None
    data = source.read_at(start + size, 24)
    if size == 0 and (data[:4] in _NEXT or not data):
        return 0, 0
    return _descriptor(data, size)


def _descriptor(data: bytes, packed: int) -> tuple[int, int] | None:
    """Packed size and CRC from a descriptor that states this very distance; 32-bit or zip64 form."""
    if data[:4] != _DESCRIPTOR:
        return None
    for form in ("<IIQQ", "<IIII"):
        if len(data) >= 4 + struct.calcsize(form) - 4 and len(data) >= struct.calcsize(form):
            _, crc, stated, _ = struct.unpack_from(form, data)
            if stated == packed:
                return packed, crc
    return None


def _search(source: Source, start: int, budget: int) -> tuple[int, int] | None:
    """Packed size and CRC by looking for a descriptor that states its own distance from `start`."""
    if source.read_at(start, 4) in _NEXT:
        return 0, 0
    position = start
    tried = 0
    while position < min(source.size, start + budget):
        # Blocks overlap by a descriptor, so that none is cut in two.
        block = source.read_at(position, _BLOCK_BYTES + 24)
        at = block.find(_DESCRIPTOR)
        while 0 <= at < _BLOCK_BYTES and tried < MAX_TRIED:
            tried += 1
            found = _descriptor(block[at : at + 24], position + at - start)
            if found:
                return found
            at = block.find(_DESCRIPTOR, at + 1)
        position += _BLOCK_BYTES
    return None


def after(source: Source, end: int) -> int:
    """Where the next header stands: behind the data or behind a descriptor of 12 to 24 bytes."""
    data = source.read_at(end, 28)
    for skipped in (0, 16, 24, 12, 20):
        if data[skipped : skipped + 4] in _NEXT:
            return end + skipped
    return end

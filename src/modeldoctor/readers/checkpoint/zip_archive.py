"""The members of a zip archive: located, unpacked within limits, and compared with what the directory says of them."""

import struct
import zlib
from functools import cached_property

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Problem, Record
from modeldoctor.readers.checkpoint.inside import around
from modeldoctor.readers.checkpoint.zip_directory import (
    DEFLATED,
    DESCRIBED,
    ENCRYPTED,
    LOCAL_BYTES,
    LOCAL_SIGNATURE,
    PATCHED,
    STORED,
    UNKNOWN_CRC,
    Directory,
    Entry,
    decode_name,
    zip64_sizes,
)
from modeldoctor.storage import Memory, Source, Window
from modeldoctor.wording import quoted

# A member that must be read whole (JSON, a compressed pickle) may be as large as this once unpacked.
MAX_WHOLE_BYTES = 64 << 20
_CHUNK_BYTES = 1 << 16
_LOCAL = struct.Struct("<4s2xHH4xIIIHH")
# Local headers are compared for every member that is read, and for one in so many of the others: all of them would
# cost as much as the directory. What lies in memory, and archives of few members, are compared whole.
HEADER_STEP = 20
MAX_HEADERS = 1000


class Archive:
    """A source with its directory. Collects what is found wrong on the way in `problems`."""

    def __init__(self, source: Source, directory: Directory) -> None:
        self.source = source
        self.directory = directory
        self.entries = {entry.name: entry for entry in directory.entries}
        self.problems: list[Problem] = list(directory.problems)
        self.budget, self.depth = around(source)
        self._checked: dict[int, int | None] = {}

    def data_offset(self, entry: Entry) -> int | None:
        """Where the bytes of the member begin, from its local header; None when there is none."""
        if entry.offset not in self._checked:
            self._checked[entry.offset] = self._check(entry)
        return self._checked[entry.offset]

    def known_offset(self, entry: Entry) -> int | None:
        """`data_offset` when the local header was read already."""
        return self._checked.get(entry.offset)

    @cached_property
    def lowered(self) -> dict[str, Entry]:
        """Members by lower-case name, as miniz finds them."""
        return {name.lower(): entry for name, entry in self.entries.items()}

    def check_headers(self) -> None:
        """Compare local headers with the directory: all of a small archive, one in HEADER_STEP of a large one."""
        entries = self.directory.entries
        few = len(entries) <= HEADER_STEP or isinstance(self.source, Memory)
        for entry in entries[:: 1 if few else HEADER_STEP][:MAX_HEADERS]:
            self.data_offset(entry)

    def _check(self, entry: Entry) -> int | None:
        head = self.source.read_at(entry.offset, LOCAL_BYTES + len(entry.name.encode("utf-8", "surrogatepass")))
        if head[:4] != LOCAL_SIGNATURE or len(head) < LOCAL_BYTES:
            text = "there is no member where the directory points to"
            self.problems.append(Problem("header-mismatch", text, entry.name, entry.offset))
            return None
        _, flags, method, crc, packed, size, name_bytes, extra_bytes = _LOCAL.unpack_from(head)
        start: int = entry.offset + LOCAL_BYTES + name_bytes + extra_bytes
        if packed == 0xFFFFFFFF or size == 0xFFFFFFFF:
            extra = self.source.read_at(start - extra_bytes, extra_bytes)
            size, packed, _ = zip64_sizes(extra, size, packed)
        # Sizes and CRC stand behind the data when bit 3 is set; the header then has zeros (torch) or the values.
        absent = flags & DESCRIBED and not (crc or packed or size)
        name = decode_name(self._raw_name(entry.offset, head, name_bytes), flags)
        if name != entry.name:
            self._differ(entry, f"its own header names it {quoted(name)}")
        elif method != entry.method or (flags ^ entry.flags) & (ENCRYPTED | PATCHED):
            self._differ(entry, "its own header has another compression method or encryption than the directory")
        elif not absent and (crc, packed, size) != (entry.crc, entry.packed_bytes, entry.size_bytes):
            self._differ(
                entry, f"its own header says {size:,} bytes, the directory {entry.size_bytes:,}, or another CRC"
            )
        return start

    def _raw_name(self, offset: int, head: bytes, name_bytes: int) -> bytes:
        if len(head) < LOCAL_BYTES + name_bytes:  # longer than the directory's name: not the same
            return self.source.read_at(offset + LOCAL_BYTES, name_bytes)
        return head[LOCAL_BYTES : LOCAL_BYTES + name_bytes]

    def _differ(self, entry: Entry, text: str) -> None:
        self.problems.append(Problem("header-mismatch", text, entry.name, entry.offset))

    def record(self, entry: Entry) -> Record:
        """The member as a fact; `data_offset` is known when its header was read."""
        offset = self.known_offset(entry)
        return Record(entry.name, entry.size_bytes, entry.packed_bytes, offset, entry.method != STORED)

    def open(self, entry: Entry) -> Source:
        """The unpacked bytes: a window on the file for a stored member, else memory. ReadError as in `read`."""
        if entry.method == STORED and not entry.flags & ENCRYPTED:
            return Window(self.source, self._start(entry), entry.packed_bytes)
        return Memory(self.read(entry))

    def read(self, entry: Entry) -> bytes:
        """All unpacked bytes of a member, compared with its checksum.

        ReadError when it is too large, encrypted, or packed in an unknown way.
        """
        if entry.flags & ENCRYPTED:
            raise ReadError("is encrypted", kind="encrypted-member", member=entry.name)
        if entry.packed_bytes > MAX_WHOLE_BYTES or entry.size_bytes > MAX_WHOLE_BYTES:
            message = (
                f"has {entry.size_bytes:,} bytes, above the limit of {MAX_WHOLE_BYTES:,} for what must be read whole"
            )
            raise ReadError(message, kind="limit", member=entry.name)
        self.budget.whole -= entry.size_bytes
        if self.budget.whole < 0:
            raise ReadError("is one too many: no more is unpacked of this file", kind="limit", member=entry.name)
        data = self.source.read_at(self._start(entry), entry.packed_bytes)
        if len(data) < entry.packed_bytes:
            message = f"ends after {len(data):,} of {entry.packed_bytes:,} bytes"
            self.problems.append(Problem("truncated", message, entry.name))
        if entry.method == DEFLATED:
            data = self._inflate(entry, data)
        elif entry.method != STORED:
            raise ReadError(f"has the unknown compression method {entry.method}", member=entry.name)
        if entry.crc != UNKNOWN_CRC and zlib.crc32(data) != entry.crc:
            text = "its bytes do not have the checksum that the archive states"
            self.problems.append(Problem("bad-crc", text, entry.name, entry.offset))
        return data

    def head(self, entry: Entry, size: int) -> bytes:
        """The first unpacked bytes of a member, to tell what it is; empty when they cannot be had."""
        start = None if entry.flags & ENCRYPTED else self.data_offset(entry)
        if start is None or entry.method not in {STORED, DEFLATED}:
            return b""
        data = self.source.read_at(start, min(entry.packed_bytes, size + _CHUNK_BYTES * (entry.method == DEFLATED)))
        if entry.method == STORED:
            return data[:size]
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size)
        except zlib.error:
            return b""

    def _start(self, entry: Entry) -> int:
        start = self.data_offset(entry)
        if start is None:
            raise ReadError("is not where the directory says", kind="header-mismatch", member=entry.name)
        return start

    def _inflate(self, entry: Entry, data: bytes) -> bytes:
        """Unpack, never beyond the size that the directory states: what a bomb claims is checked before, not after."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            unpacked = inflater.decompress(data, entry.size_bytes + 1)
        except zlib.error as error:
            raise ReadError(f"cannot be unpacked: {error}", member=entry.name) from error
        if len(unpacked) != entry.size_bytes or not inflater.eof:
            text = f"does not unpack to the {entry.size_bytes:,} bytes that the archive states"
            self.problems.append(Problem("damaged", text, entry.name, entry.offset))
        return unpacked

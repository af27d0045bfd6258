"""Models inside gzip, zip, tar and the like: entered within limits, each as a child of what is around it."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from modeldoctor.detect import Sniffed
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Problem
from modeldoctor.readers.checkpoint.inflate import STREAMS, Unpacked, inflate
from modeldoctor.readers.checkpoint.inside import MAX_DEPTH, MAX_UNPACKED_BYTES, Inside, around
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.readers.checkpoint.tar_directory import Member, read_tar
from modeldoctor.readers.checkpoint.zip_archive import MAX_WHOLE_BYTES, Archive
from modeldoctor.readers.checkpoint.zip_directory import DEFLATED, ENCRYPTED, STORED, Entry, read_directory, told
from modeldoctor.storage import Source, Window
from modeldoctor.wording import size

# Models in one archive that are read, and members that are looked at to find them.
MAX_MODELS = 32
MAX_MEMBERS = 1000
# bzip2 is five times slower than the others.
_LIMITS = {"bzip2": 64 << 20}
_LOOK_BYTES = 128

# What is read whatever its first bytes are, and first bytes that are read whatever the name is.
_SUFFIXES = (
    ".pt",
    ".pth",
    ".bin",
    ".ckpt",
    ".safetensors",
    ".pkl",
    ".pickle",
    ".joblib",
    ".pt2",
    ".pte",
    ".ptl",
    ".tar",
)
_MARKS = (b"PK\3\4", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf")
_PACKED_SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".lzma", ".tgz", ".z"})


class _Inner(NamedTuple):
    """A member; `open` gives its bytes, of which `head` are the first."""

    name: str
    head: bytes
    open: Callable[[], Source]


def read_nested(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Read the models inside. Damage and limits are problems of the archive; its children have their own."""
    if around(source)[1] >= MAX_DEPTH:
        text = f"archives are entered {MAX_DEPTH} levels deep: this one is one more"
        return blank._replace(problems=(*blank.problems, Problem("nested-limit", text)))
    reading = _Reading(source, blank)
    if sniffed.format in STREAMS:
        reading.stream(sniffed.format)
    elif sniffed.format == "tar":
        reading.tar()
    elif sniffed.format == "numpy" and sniffed.directory is None:
        reading.array()
    elif sniffed.directory is not None:
        reading.zip(Archive(source, sniffed.directory))
    else:
        read_directory(source)  # fails as it did when the format was told, and says why
    return reading.result()


class _Reading:
    """The state of reading one archive: what was found so far."""

    def __init__(self, source: Source, blank: Checkpoint) -> None:
        self.source = source
        self.blank = blank
        self.budget, self.depth = around(source)
        self.children: list[Checkpoint] = []
        self.problems: list[Problem] = []

    def result(self) -> Checkpoint:
        """The archive with its children."""
        return self.blank._replace(
            children=tuple(self.children), problems=self.blank.problems + tuple(told(self.problems))
        )

    def stream(self, kind: str) -> None:
        """One compressed file, unpacked whole."""
        try:
            unpacked = self.unpack(self.source, kind)
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error)))
            return
        name = os.path.basename(self.blank.path)
        stem, suffix = os.path.splitext(name)
        self.problems += [unpacked.problem] if unpacked.problem else []
        if unpacked.size:
            self.read(stem if suffix.lower() in _PACKED_SUFFIXES else name, unpacked)
        unpacked.close()

    def unpack(self, source: Source, kind: str) -> Unpacked:
        """Unpack while the budget lasts."""
        unpacked = inflate(source, kind, min(self.budget.unpacked, _LIMITS.get(kind, MAX_UNPACKED_BYTES)))
        self.budget.unpacked -= unpacked.size
        return unpacked

    def array(self) -> None:
        """An array of objects is a pickle behind its header (numpy/lib/format.py), which `allow_pickle` loads."""
        head = self.source.read_at(0, _LOOK_BYTES)
        wide = head[6:7] > b"\1"  # the version: since 2.0 the length has four bytes
        start = 12 + int.from_bytes(head[8:12], "little") if wide else 10 + int.from_bytes(head[8:10], "little")
        if _holds_objects(head) and start < self.source.size:
            self.read("objects.pkl", Window(self.source, start, self.source.size - start))

    def tar(self) -> None:
        """The members of a tar, which lie in it as they are."""
        tar = read_tar(self.source)
        self.problems += tar.problems
        self.read_models(self.packed_in_tar(member) for member in tar.members)

    def packed_in_tar(self, member: Member) -> _Inner:
        """A member of a tar with its first bytes."""
        window = Window(self.source, member.offset, member.size_bytes)
        return _Inner(member.name, window.read_at(0, _LOOK_BYTES), lambda: window)

    def zip(self, archive: Archive) -> None:
        """The members of a zip."""
        self.read_models(
            _Inner(entry.name, archive.head(entry, _LOOK_BYTES), partial(self.open, archive, entry))
            for entry in archive.directory.entries
        )
        self.problems += archive.problems

    def open(self, archive: Archive, entry: Entry) -> Source:
        """A stored member lies in the file as it is; another is unpacked while the budget lasts."""
        stored = Window(self.source, archive.data_offset(entry) or 0, entry.packed_bytes)
        if entry.method == STORED and not entry.flags & ENCRYPTED:
            return stored
        if entry.method == DEFLATED and entry.size_bytes > MAX_WHOLE_BYTES:
            unpacked = self.unpack(stored, "deflate")
            self.problems += [unpacked.problem._replace(member=entry.name)] if unpacked.problem else []
            return unpacked
        if entry.size_bytes > self.budget.unpacked:
            raise ReadError(f"{size(entry.size_bytes)} are more than is unpacked: it was not read", kind="limit")
        self.budget.unpacked -= entry.size_bytes
        return archive.open(entry)

    def read_models(self, inners: Iterator[_Inner]) -> None:
        """Read the members that may be models, up to the limits."""
        for index, inner in enumerate(inners):
            if index == MAX_MEMBERS:
                self.problems.append(Problem("limit", f"only the first {MAX_MEMBERS:,} members were looked at"))
                return
            if not may_be_model(inner.name, inner.head):
                continue
            if len(self.children) == MAX_MODELS or self.budget.spent:
                text = f"only the first {len(self.children)} models were read: this and what follows were not"
                self.problems.append(Problem("limit", text, inner.name))
                return
            try:
                source = inner.open()
            except ReadError as error:
                self.problems.append(Problem(error.kind, str(error), inner.name))
                continue
            self.read(inner.name, source)
            if isinstance(source, Unpacked):
                source.close()

    def read(self, name: str, source: Source) -> None:
        """Read what is inside as a file of its own."""
        self.budget.models -= 1
        inside = Inside(source, self.budget, self.depth + 1)
        self.children.append(read_source(inside, os.path.basename(name), self.blank.path, name))


def may_be_model(name: str, head: bytes) -> bool:
    """Whether a member is worth reading: by its suffix, or by first bytes that models and archives have."""
    if name.lower().endswith(_SUFFIXES) or head.startswith(_MARKS) or _holds_objects(head):
        return True
    return (head[:1] == b"\x80" and head[1:2] <= b"\5") or (head[8:9] == b"{" and head[5:8] == b"\0\0\0")


def _holds_objects(head: bytes) -> bool:
    """Whether a NumPy array has a dtype with Python objects in it."""
    return head[:6] == b"\x93NUMPY" and b"'|O'" in head

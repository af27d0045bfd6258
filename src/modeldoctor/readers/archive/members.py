"""The members of an archive as the server unpacks them: what it finds, in which order, and where it gives up.

frontend/archive, ModelArchive.downloadModel: a file named `.mar` is read as a zip, from its first byte on, without its
directory (utils/ZipUtils.unzip over java.util.zip.ZipInputStream); any other file as a gzip'd tar whose first folder is
cut off (decompressTarGzipFile); a folder as it is.
"""

import os
import posixpath
from collections.abc import Callable, Iterable

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Problem
from modeldoctor.readers.checkpoint.inflate import Unpacked, inflate
from modeldoctor.readers.checkpoint.inside import MAX_UNPACKED_BYTES
from modeldoctor.readers.checkpoint.tar_directory import read_tar
from modeldoctor.readers.checkpoint.zip_archive import MAX_WHOLE_BYTES, Archive
from modeldoctor.readers.checkpoint.zip_directory import (
    DEFLATED,
    DESCRIBED,
    ENCRYPTED,
    LOCAL_BYTES,
    STORED,
    Directory,
    Entry,
    read_directory,
    told,
)
from modeldoctor.readers.checkpoint.zip_walk import walk
from modeldoctor.storage import File, Memory, Source, Window
from modeldoctor.wording import listing, quoted, size

# More members than any archive has.
MAX_MEMBERS = 20_000
# The longest name that a Linux file system takes for one part of a path (limits.h, NAME_MAX).
_NAME_MAX = 255
# An archive that becomes larger than this, and so many times its size, is no model: a bomb.
_BOMB_BYTES, _BOMB_RATIO = 1 << 30, 200
# Archives up to this size have the checksums of all members compared: a twentieth of a second.
_COMPARED_BYTES = 8 << 20


class Members:
    """What lies in the model folder after unpacking. `refused` is the problem that ends the unpacking."""

    def __init__(self, container: str, holds: str) -> None:
        self.container = container
        self.holds = holds
        self.sizes: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.refused: Problem | None = None
        self._open: dict[str, Callable[[], Source]] = {}
        self._closing: list[Callable[[], None]] = []

    def add(self, name: str, size_bytes: int, open_: Callable[[], Source]) -> None:
        """A file; of two with the same place the later one stays."""
        place = posixpath.normpath(name.lstrip("/"))
        if place in self.sizes:
            self.problems.append(Problem("duplicate-member", "is written twice: the later one stays", place))
        self.sizes[place] = size_bytes
        self._open[place] = open_

    def refuse(self, problem: Problem) -> None:
        """A problem at which the server gives up; only the first counts."""
        self.problems.append(problem)
        self.refused = self.refused or problem

    def source(self, name: str) -> Source | None:
        """The bytes of a member; None when they cannot be had, which is noted."""
        if name not in self._open:
            return None
        try:
            return self._open[name]()
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error), name))
            return None

    def read(self, name: str, most: int) -> bytes | None:
        """All bytes of a small member; None when it is not there, too large or damaged."""
        if self.sizes.get(name, 0) > most:
            self.problems.append(Problem("limit", f"has more than {size(most)}: it was not read", name))
            return None
        source = self.source(name)
        try:
            return None if source is None else source.read_at(0, min(source.size, most))
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error), name))
            return None

    def keep(self, close: Callable[[], None]) -> None:
        """Something to give back at the end."""
        self._closing.append(close)

    def close(self) -> None:
        """Give files and memory back."""
        for close in self._closing:
            close()


def open_members(path: str) -> Members:
    """The members of the archive at a path. ReadError when the disk fails or there is no such file."""
    if os.path.isdir(path):
        return _folder(path)
    file = File(path)
    try:
        head = file.read_at(0, 265)
        holds = "zip" if head[:2] == b"PK" else "gzip" if head[:2] == b"\x1f\x8b" else "other"
        holds = "tar" if head[257:262] == b"ustar" else holds
        members = Members("zip" if path.endswith(".mar") else "tar", holds)
        members.keep(file.close)
        if members.container == "tar" and holds != "gzip":
            members.refuse(Problem("not-gzip", f"is no gzip'd tar but {_WHAT[holds]}"))
        if holds == "zip":
            _zip(file, members)
        elif holds == "gzip":
            _tar(file, members)
    except ReadError:
        file.close()
        raise
    return members


_WHAT = {"zip": "a zip archive", "tar": "a tar that is not compressed", "other": "something else"}

# --------------------------------------------------------------------------- zip


def _zip(source: Source, members: Members) -> None:
    """The stream of local headers, as ZipInputStream reads it; the directory at the end is only compared."""
    directory = _directory(source)
    known = {entry.offset: entry for entry in directory.entries} if directory else {}
    listed = {offset: entry.packed_bytes for offset, entry in known.items()}
    found: list[Entry] = []
    for entry, whole in walk(source, lambda _: None, listed):
        if len(found) == MAX_MEMBERS:
            members.problems.append(Problem("limit", f"only the first {MAX_MEMBERS:,} members were read"))
            break
        stated = known.get(entry.offset)
        # A header that leaves the sizes to what stands behind the data, and that of an empty member, say 0.
        if stated is not None and (entry.flags & DESCRIBED or not stated.size_bytes):
            entry = entry._replace(size_bytes=stated.size_bytes, crc=stated.crc)  # noqa: PLW2901 - completed
        found.append(entry)
        problem = _java_zip(source, entry, whole=whole)
        if problem:
            members.refuse(problem)
    if directory:
        members.problems += _disagreement(found, directory)
    archive = Archive(source, Directory(tuple(found), source.size, whole=False))
    for entry in found:
        if not entry.name.endswith("/"):
            members.add(entry.name, entry.size_bytes, _opener(members, archive, entry))
    total = sum(entry.size_bytes for entry in found)
    if total <= _COMPARED_BYTES and members.refused is None:
        _compare(archive, members)
    if total > _BOMB_BYTES and total > _BOMB_RATIO * source.size:
        members.problems.append(Problem("bomb", f"unpacks from {size(source.size)} to {size(total)}"))


def _compare(archive: Archive, members: Members) -> None:
    """What the checksums say, which the server compares for every member: ZipInputStream, `invalid entry CRC`."""
    for entry in archive.directory.entries:
        told_before = len(archive.problems)
        try:
            archive.read(entry)
        except ReadError as error:
            members.refuse(Problem("damaged-member", str(error), entry.name, entry.offset))
            return
        for problem in archive.problems[told_before:]:
            if problem.kind in {"bad-crc", "damaged"}:
                members.refuse(problem._replace(kind="damaged-member"))
                return


def _directory(source: Source) -> Directory | None:
    try:
        return read_directory(source)
    except ReadError:
        return None


def _java_zip(source: Source, entry: Entry, *, whole: bool) -> Problem | None:
    """What java.util.zip.ZipInputStream (readLOC, read) and ZipUtils.unzip refuse of one member."""
    name, at = entry.name, entry.offset
    if not name.isascii() or "\\x" in name:
        raw = source.read_at(at, LOCAL_BYTES + 0xFFFF)
        raw = raw[LOCAL_BYTES : LOCAL_BYTES + int.from_bytes(raw[26:28], "little")]
        try:
            raw.decode()
        except UnicodeDecodeError:
            return Problem("bad-name", "its name is not UTF-8", name, at)
    if entry.flags & ENCRYPTED:
        return Problem("encrypted-member", "encrypted ZIP entry not supported", name, at)
    if entry.method == STORED and entry.flags & DESCRIBED:
        return Problem("stored-descriptor", "only DEFLATED entries can have EXT descriptor", name, at)
    if entry.method not in {STORED, DEFLATED}:
        return Problem("method", f"invalid compression method ({entry.method})", name, at)
    if problem := _place(name, at):
        return problem
    return None if whole else Problem("truncated", "Unexpected end of ZLIB input stream", name, at)


def _place(name: str, at: int) -> Problem | None:
    """Names that cannot be written below the model folder. An absolute one can: `new File(folder, "/x")`."""
    steps = posixpath.normpath(name.lstrip("/")).split("/")
    if steps[0] == "..":
        return Problem("zip-slip", "leads out of the folder it is unpacked in", name, at)
    if "\0" in name or any(len(step.encode("utf-8", "surrogatepass")) > _NAME_MAX for step in steps):
        return Problem("bad-path", "is no name that a file can have", name, at)
    return None


def _disagreement(found: list[Entry], directory: Directory) -> list[Problem]:
    """Members that only the stream or only the directory knows: tools show the one, the server unpacks the other."""
    streamed = {entry.name for entry in found}
    listed = {entry.name for entry in directory.entries}
    hidden = [name for name in listed - streamed if not name.endswith("/")]
    problems = []
    if hidden:
        text = f"the directory lists {listing(sorted(hidden))}, which the server never reaches"
        problems.append(Problem("unreached-members", text, min(hidden), times=len(hidden)))
    extra = sorted(streamed - listed)
    if extra:
        text = f"the server unpacks {listing(extra)}, which the directory does not list"
        problems.append(Problem("unlisted-members", text, extra[0], times=len(extra)))
    return problems


# Unpacked at most so far to see whether the head of a compressed model tells enough.
_HEAD_BYTES = 8 << 20


class Head:
    """The first unpacked bytes of a large compressed member, which stand for it: `size` is that of the whole."""

    def __init__(self, data: bytes, whole_bytes: int) -> None:
        self.data = data
        self.size = len(data)
        self.whole_bytes = whole_bytes

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        return self.data[offset : offset + size]


def _opener(members: Members, archive: Archive, entry: Entry) -> Callable[[], Source]:
    return lambda: _open(members, archive, entry)


def _open(members: Members, archive: Archive, entry: Entry) -> Source:
    """A stored member as it lies in the file; a packed one in memory, of a large one its head when that will do."""
    if entry.method == DEFLATED and entry.size_bytes > _HEAD_BYTES:
        head = archive.head(entry, _HEAD_BYTES)
        if _tells_enough(head):
            return Head(head, entry.size_bytes)
        if entry.size_bytes > MAX_WHOLE_BYTES:
            start = archive.data_offset(entry) or 0
            unpacked = inflate(Window(archive.source, start, entry.packed_bytes), "deflate", MAX_UNPACKED_BYTES)
            members.keep(unpacked.close)
            return unpacked
    return archive.open(entry)


def _tells_enough(head: bytes) -> bool:
    """Whether a file of torch.save has its whole `data.pkl`, which comes first, in these bytes.

    caffe2/serialize/inline_container.cc pads the record with the name of what follows, so a header behind it means that
    it ended.
    """
    first = int.from_bytes(head[26:28], "little")
    return (
        head[:4] == b"PK\3\4"
        and head[LOCAL_BYTES : LOCAL_BYTES + first].endswith(b"/data.pkl")
        and head.find(b"PK\3\4", 4) > 0
    )


# --------------------------------------------------------------------------- tar


def _tar(source: Source, members: Members) -> None:
    """The tar in a gzip stream: GzipCompressorInputStream and TarArchiveInputStream of commons-compress 1.25."""
    if members.container == "zip":  # a stream without a local header at its start holds no entries
        members.problems.append(Problem("not-zip", "is gzip'd, not a zip archive"))
    unpacked = inflate(source, "gzip", MAX_UNPACKED_BYTES)
    members.keep(unpacked.close)
    if unpacked.problem and unpacked.problem.kind != "appended-data":
        members.refuse(unpacked.problem._replace(kind="truncated"))
    tar = read_tar(unpacked, limit=MAX_MEMBERS, links=True)
    for problem in tar.problems:
        if problem.kind in {"truncated", "damaged"}:
            members.refuse(problem._replace(kind="truncated"))
        elif problem.kind == "limit":
            members.problems.append(problem)
    for member in tar.members:
        name = member.name[member.name.find("/") + 1 :] if members.container == "tar" else member.name
        misplaced = _place(name, member.offset)
        if misplaced:
            members.refuse(misplaced._replace(member=member.name))
        elif member.link:
            text = "is a link in the tar: the server unpacks it as an empty file"
            members.problems.append(Problem("link", text, name))
            members.add(name, 0, lambda: Memory(b""))
        elif name:
            members.add(name, member.size_bytes, _window(unpacked, member.offset, member.size_bytes))
    cut = [member.name for member in tar.members if "/" in member.name]
    if members.container == "tar" and "MAR-INF/MANIFEST.json" in cut:
        members.problems.append(Problem("first-folder-cut", "has no folder around its members", cut[0]))


def _window(source: Unpacked, offset: int, size_bytes: int) -> Callable[[], Source]:
    return lambda: Window(source, offset, size_bytes)


# --------------------------------------------------------------------------- folder


def _folder(path: str) -> Members:
    """A folder in place. With nothing but one folder in it that one is taken (SageMaker)."""
    members = Members("folder", "folder")
    try:
        entries = list(os.scandir(path))
    except OSError as error:
        raise ReadError((error.strerror or str(error)).lower(), kind="unreadable") from error
    root = entries[0].path if len(entries) == 1 and entries[0].is_dir() else path
    for name, full in _files(root):
        if len(members.sizes) == MAX_MEMBERS:
            members.problems.append(Problem("limit", f"only the first {MAX_MEMBERS:,} files were read"))
            break
        try:
            members.add(name, os.stat(full).st_size, _file(members, full))
        except OSError as error:
            text = f"cannot be read: {(error.strerror or str(error)).lower()}"
            members.problems.append(Problem("unreadable-member", text, name))
    members.problems = told(members.problems)
    return members


def _files(root: str) -> Iterable[tuple[str, str]]:
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            entries = sorted(os.scandir(os.path.join(root, below)), key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(f"{below}{entry.name}/")
            else:
                yield below + entry.name, entry.path


def _file(members: Members, path: str) -> Callable[[], Source]:
    def open_() -> Source:
        file = File(path)
        members.keep(file.close)
        return file

    return open_


def nested_manifest(members: Members) -> str | None:
    """Where a manifest lies that the server does not look at: in another folder, or in another case of letters."""
    near = [name for name in members.sizes if name.lower().endswith("manifest.json")]
    return min(near, key=lambda name: (name.count("/"), name)) if near else None


def shown_problem(problem: Problem) -> str:
    """The member and what is wrong with it."""
    return f"{quoted(problem.member)} {problem.text}" if problem.member else problem.text

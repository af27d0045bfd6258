"""What can still be said of a torch archive that was cut: which records are whole, and which are missing."""

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Problem
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.readers.checkpoint.zip_archive import MAX_WHOLE_BYTES, Archive
from modeldoctor.readers.checkpoint.zip_directory import (
    END_SIGNATURE,
    LOCAL_BYTES,
    MAX_DIRECTORY_BYTES,
    MAX_TAIL_BYTES,
    STORED,
    Directory,
    Entry,
    read_directory,
)
from modeldoctor.readers.checkpoint.zip_walk import after, walk
from modeldoctor.storage import Source, Window
from modeldoctor.wording import count, quoted, size


def salvage(source: Source) -> Directory:
    """The members that are there, whole or not, when the archive has no directory. Bytes of storages are not read.

    torch writes `data.pkl` before the storages, so their sizes are known when their headers are reached. ReadError when
    nothing at all is left.
    """
    expected: dict[str, int] = {}
    entries: list[Entry] = []
    whole: set[str] = set()
    for entry, is_whole in walk(source, expected.get):
        entries.append(entry)
        if is_whole:
            whole.add(entry.name)
        if entry.name.endswith("/data.pkl") and not expected:
            expected.update(_expected(source, entry))
    if not entries:
        raise ReadError("the file ends inside the header of its first member", kind="truncated", byte=source.size)
    end = after(source, _end_of(source, entries[-1]))
    problem = _problem(source, entries[-1].name, whole, end)
    return Directory(tuple(entries), end, problems=(problem,), whole=False)


def open_archive(source: Source, directory: object) -> Archive:
    """The archive by the directory that detection found, or by what is left of it."""
    if not isinstance(directory, Directory):
        try:
            directory = read_directory(source)
        except ReadError as error:
            if error.kind == "limit":
                raise
            directory = salvage(source)
    if not directory.entries and directory.problems:
        # There is a directory and it is rubbish: the file is damaged, and not cut.
        directory = salvage(source)._replace(problems=directory.problems)
    return Archive(source, directory)


def _expected(source: Source, entry: Entry) -> dict[str, int]:
    """Member name → bytes of every storage that the pickle refers to; both folders that torch used."""
    start = _end_of(source, entry) - entry.packed_bytes
    if entry.method != STORED or entry.packed_bytes > MAX_WHOLE_BYTES:
        return {}
    root = entry.name.removesuffix("data.pkl")
    storages = run(Window(source, start, entry.packed_bytes), member=entry.name).storages
    return {f"{root}data/{storage.key}": storage.size_bytes for storage in storages}


def _end_of(source: Source, entry: Entry) -> int:
    lengths = source.read_at(entry.offset + 26, 4)
    return (
        entry.offset + LOCAL_BYTES + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    ) + entry.packed_bytes


def _problem(source: Source, last: str, whole: set[str], end: int) -> Problem:
    """Where the archive breaks off. What storages it lost is told by their `stored_bytes`."""
    directory = source.read_at(end, min(source.size - end, MAX_DIRECTORY_BYTES))
    behind = directory.find(END_SIGNATURE) if directory[:4] == b"PK\x01\x02" else -1
    if behind >= 0 and source.size - end - behind > MAX_TAIL_BYTES:
        text = f"{size(source.size - end - behind)} follow the archive: its end is searched in {MAX_TAIL_BYTES:,} bytes"
        return Problem("damaged", text, byte=end + behind)
    place = "behind" if last in whole else "in or behind"  # its size may be unknown
    text = f"ends {place} {quoted(last)}, before its directory; {count(len(whole), 'member')} found whole"
    return Problem("truncated", text, byte=source.size)

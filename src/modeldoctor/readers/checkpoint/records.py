"""What the zip formats of torch share: one root folder, small text records, storages as records of their own."""

from typing import NamedTuple

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Container, Problem, Record, Storage
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import STORED, Entry, told
from modeldoctor.wording import quoted, size

# Text records (`version`, `byteorder`) hold a few characters; longer ones are cut.
MAX_TEXT_BYTES = 4096
# Members without a storage that are listed in the facts: the code of a large TorchScript model has some thousands.
MAX_LISTED = 10_000
# caffe2/serialize/versions.h: kMinSupportedFileFormatVersion and kMaxSupportedFileFormatVersion (since torch 1.12).
MIN_VERSION, MAX_VERSION = 1, 10


class Root(NamedTuple):
    """The folder that holds the records of interest (`archive`; empty: none) and what is wrong with it."""

    name: str
    problems: tuple[Problem, ...] = ()

    def path(self, record: str) -> str:
        """The member name of a record."""
        return f"{self.name}/{record}" if self.name else record


def find_root(archive: Archive, record: str, *, alone: bool = True) -> Root:
    """The folder with `record`. torch takes that of the first member, and wants nothing beside it when it lists all.

    caffe2/serialize/inline_container.cc: PyTorchStreamReader::init and getAllRecords, which torch.jit.load does not
    call (`alone`). Of an archive that was cut nothing is said but the name.
    """
    found = _root(archive, record, alone=alone)
    return found if archive.directory.whole else Root(found.name)


def _root(archive: Archive, record: str, *, alone: bool) -> Root:
    entries = archive.directory.entries
    first, slash, _ = entries[0].name.partition("/") if entries else ("", "", "")
    if slash and find(archive, f"{first}/{record}"):
        return Root(first, tuple(_strangers(entries, first)) if alone else ())
    tail = f"/{record}"
    found = next((entry.name for entry in entries if f"/{entry.name}".lower().endswith(tail)), None)
    if found is None:
        text = f"has no {quoted(record)}, where the object is described"
        return Root(first if slash else "", (Problem("no-data-pkl", text),))
    name = found[: -len(record)].rstrip("/")
    if not name:
        text = f"{quoted(found)} lies at the top of the archive: torch expects all records in one folder"
        return Root("", (Problem("no-root", text, found),))
    text = f"torch looks for the records in {quoted(first)}, {quoted(record)} is in {quoted(name)}"
    return Root(name, (Problem("several-roots", text, found),))


def _strangers(entries: tuple[Entry, ...], root: str) -> list[Problem]:
    prefix = root + "/"
    names = [entry.name for entry in entries if not entry.name.startswith(prefix)]
    text = f"is not in the folder {quoted(root)} of the first member, which torch refuses"
    return told([Problem("several-roots", text, name) for name in names])


def find(archive: Archive, name: str) -> Entry | None:
    """The member of that name; in any case of letters when there is none, as in torch's reader."""
    return archive.entries.get(name) or archive.lowered.get(name.lower())


def all_of(archive: Archive, name: str) -> list[Entry]:
    """Every member that a reader may take for the name: the exact one first, duplicates and other cases next."""
    first = find(archive, name)
    if first is None or not any(problem.kind == "duplicate-member" for problem in archive.problems):
        return [first] if first else []
    wanted = name.lower()
    others = [entry for entry in archive.directory.entries if entry.name.lower() == wanted and entry is not first]
    return [first, *others]


def text(archive: Archive, name: str) -> str | None:
    """The text of a small record, or None when it is absent or unreadable (which is noted)."""
    entry = find(archive, name)
    if entry is None:
        return None
    try:
        data = archive.read(entry) if entry.size_bytes <= MAX_TEXT_BYTES else archive.head(entry, MAX_TEXT_BYTES)
    except ReadError as error:
        archive.problems.append(Problem(error.kind, str(error), entry.name, entry.offset))
        return None
    return data.decode("utf-8", "backslashreplace")


def container(archive: Archive, root: Root, records: tuple[Record, ...] = ()) -> Container:
    """The archive as a fact; notes a version or byte order that no torch accepts."""
    directory = archive.directory
    version_name = ".data/version" if find(archive, root.path(".data/version")) else "version"
    version = text(archive, root.path(version_name))
    byteorder = text(archive, root.path("byteorder"))
    _check_version(archive, root.path(version_name), version)
    if byteorder is not None and byteorder not in {"little", "big"}:  # torch/serialization.py, _load
        problem = f"says {quoted(byteorder)}, torch knows `little` and `big`"
        archive.problems.append(Problem("bad-byteorder", problem, root.path("byteorder")))
    return Container(
        kind="zip",
        root=root.name or None,
        record_count=len(directory.entries),
        version=None if version is None else version.strip(),
        byteorder=byteorder,
        format_version=text(archive, root.path(".format_version")),
        storage_alignment=text(archive, root.path(".storage_alignment")),
        serialization_id=text(archive, root.path(".data/serialization_id")),
        # TorchScript always packs its code; what counts are the records that torch maps or reads.
        compressed=any(entry.method != STORED and "/code/" not in entry.name for entry in directory.entries),
        zip64=directory.zip64,
        records=records,
        roots=tuple(dict.fromkeys([entry.name.partition("/")[0] for entry in directory.entries])),
        prepended_bytes=directory.prepended_bytes,
        appended_bytes=directory.appended_bytes,
    )


def _check_version(archive: Archive, name: str, version: str | None) -> None:
    if not archive.directory.whole:
        return
    digits = (version or "").strip()
    if version is None:
        archive.problems.append(Problem("bad-version", "is not there: torch refuses an archive without it", name))
    elif not (digits.isascii() and digits.isdigit()):
        archive.problems.append(Problem("bad-version", f"says {quoted(version)}, which is no number", name))
    elif not MIN_VERSION <= int(digits[:20]) <= MAX_VERSION:
        said = f"says {quoted(digits)}, torch reads archive versions {MIN_VERSION} to {MAX_VERSION}"
        archive.problems.append(Problem("bad-version", said, name))


def attach(
    archive: Archive, storages: tuple[Storage, ...], prefix: str, suffix: str = "", elsewhere: str | None = None
) -> tuple[tuple[Storage, ...], set[str]]:
    """The storages with the records that hold them, and the names of those; notes missing, short and long records.

    `elsewhere` is a second prefix that is tried.
    """
    entries, whole = archive.entries, archive.directory.whole
    attached: list[Storage] = []
    problems: list[Problem] = []
    used: set[str] = set()
    new = tuple.__new__  # a third faster than Storage(...), which counts with 20,000 of them
    for storage in storages:
        key, class_name, dtype, numel, needed, device, _, _, position, _ = storage
        name = f"{prefix}{key}{suffix}"
        entry = entries.get(name) or _elsewhere(archive, name, elsewhere and f"{elsewhere}{key}{suffix}")
        if entry is None:
            attached.append(storage)
            problems.append(Problem("missing-record", f"is not there: a tensor needs {size(needed)} of it", name))
            continue
        record, _, method, _, _, stored, _ = entry
        used.add(record)
        offset = archive.known_offset(entry) if method == STORED else None
        attached.append(new(Storage, (key, class_name, dtype, numel, needed, device, record, stored, position, offset)))
        if stored != needed:
            kind = "short-record" if stored < needed else "long-record"
            problems.append(Problem(kind, f"has {size(stored)}, its tensors need {size(needed)}", record))
    if whole:  # of a truncated archive the cut is told, not each record behind it
        for kind in ("missing-record", "short-record", "long-record"):
            archive.problems += told([problem for problem in problems if problem.kind == kind])
    return tuple(attached), used


def _elsewhere(archive: Archive, name: str, other: str | None) -> Entry | None:
    return find(archive, name) or (find(archive, other) if other else None)


def unused(archive: Archive, used: set[str]) -> list[Entry]:
    """The members that hold no storage."""
    return [entry for entry in archive.directory.entries if entry.name not in used]


def listed(archive: Archive, entries: list[Entry]) -> tuple[Record, ...]:
    """The first MAX_LISTED of them as facts."""
    return tuple([archive.record(entry) for entry in entries[:MAX_LISTED]])

"""What `torch.save` writes since 1.6: a zip with the pickle `data.pkl` and one record per storage.

torch/serialization.py, `_save` and `_load`; the archive itself: caffe2/serialize/inline_container.cc.
"""

from modeldoctor.detect import Sniffed
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Pickle, Problem, Storage
from modeldoctor.readers.checkpoint.pickle_machine import Run
from modeldoctor.readers.checkpoint.records import all_of, attach, container, find_root, listed, unused
from modeldoctor.readers.checkpoint.salvage import open_archive
from modeldoctor.readers.checkpoint.streams import described, run_all, run_record
from modeldoctor.readers.checkpoint.writer import writer
from modeldoctor.readers.checkpoint.zip_archive import MAX_WHOLE_BYTES, Archive
from modeldoctor.readers.checkpoint.zip_directory import Entry
from modeldoctor.storage import Source

# Members of the same name that are read.
MAX_DUPLICATES = 8
# The records that torch writes besides storages, in lower case.
_OWN = frozenset(
    {"data.pkl", "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
    | {".data/version"}
)


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the archive holds. ReadError when nothing is left of it."""
    archive = open_archive(source, sniffed.directory)
    root = find_root(archive, "data.pkl")
    runs = run_records(archive, root.path("data.pkl"))
    storages: tuple[Storage, ...] = runs[0].storages if runs else ()
    # torch 1.4 put storages below `tensors/`.
    first = storages[0].key if storages else ""
    folder = "tensors" if root.path(f"tensors/{first}") in archive.entries else "data"
    archive.check_headers()
    storages, used = attach(archive, storages, root.path(folder) + "/")
    rest = unused(archive, used)
    prefix = len(root.path(""))
    strangers = [entry for entry in rest if entry.name[prefix:].lower() not in _OWN]
    pickles, models = others(archive, strangers, blank.path)
    whole = archive.directory.whole and bool(runs) and runs[0].pickle.stopped is None
    checkpoint = blank._replace(
        container=container(archive, root, listed(archive, rest)),
        pickles=(*[run.pickle for run in runs], *pickles),
        storages=storages,
        state="understood" if whole else "unreadable",
        children=tuple(models),
        problems=(*root.problems, *archive.problems),
    )
    if not runs:
        return checkpoint
    checkpoint = described(checkpoint, runs[0])
    return checkpoint._replace(writer=writer(checkpoint, runs[0].value))


def others(archive: Archive, strangers: list[Entry], shown: str) -> tuple[list[Pickle], list[Checkpoint]]:
    """Pickles and models among the members that are no part of the archive; usually there are none."""
    if not strangers:
        return [], []
    from modeldoctor.readers.checkpoint.strangers import read_strangers

    return read_strangers(archive, strangers, shown)


def run_records(archive: Archive, name: str, role: str = "object") -> list[Run]:
    """The pickles of a record; of its duplicates too, since readers differ in which one they take."""
    runs: list[Run] = []
    for number, entry in enumerate(all_of(archive, name)):
        if number == MAX_DUPLICATES or (runs and archive.budget.spent):
            archive.problems.append(Problem("limit", "was not read after so much else", entry.name, entry.offset))
            break
        try:
            kind = "extra" if runs else role
            if entry.size_bytes <= MAX_WHOLE_BYTES:
                found, problems = run_record(archive.read(entry), entry.name, kind)
            else:
                found, problems = run_all(archive.open(entry), entry.name, kind)
        except ReadError as error:
            archive.problems.append(Problem(error.kind, str(error), entry.name, entry.offset))
            continue
        archive.budget.opcodes -= sum(run.pickle.opcode_count for run in found)
        runs += found
        archive.problems += problems
    return runs

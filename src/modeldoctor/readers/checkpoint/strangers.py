"""Members of a torch archive that belong to no part of it: other pickles and models that somebody put there."""

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Pickle, Problem
from modeldoctor.readers.checkpoint.nested import MAX_DEPTH, may_be_model
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.readers.checkpoint.records import MAX_LISTED
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import Entry

# How many are read, and their bytes together.
MAX_READ = 32
MAX_BYTES = 64 << 20
_HEAD_BYTES = 16


def read_strangers(
    archive: Archive, entries: list[Entry], shown: str, depth: int
) -> tuple[list[Pickle], list[Checkpoint]]:
    """The pickles among these members, and the models; what is above the limits is a problem of the archive."""
    pickles: list[Pickle] = []
    models: list[Checkpoint] = []
    left = MAX_BYTES if depth < MAX_DEPTH else 0
    read, skipped = 0, len(entries[MAX_LISTED:])
    for entry in entries[:MAX_LISTED]:
        if not entry.size_bytes or not may_be_model(entry.name, archive.head(entry, _HEAD_BYTES)):
            continue
        left -= entry.size_bytes
        read += 1
        if left < 0 or read > MAX_READ:
            skipped += 1
            continue
        try:
            found = read_source(archive.open(entry), entry.name, shown, entry.name, depth=depth + 1)
        except ReadError as error:
            archive.problems.append(Problem(error.kind, str(error), entry.name, entry.offset))
            continue
        if found.format in {"pickle", "joblib"}:
            pickles += [pickle._replace(role="extra") for pickle in found.pickles]
            archive.problems += found.problems
        elif found.state != "not understood":
            models.append(found)
    if skipped:
        text = "members that belong to no part of the archive were not read"
        archive.problems.append(Problem("nested-limit", text, times=skipped))
    return pickles, models

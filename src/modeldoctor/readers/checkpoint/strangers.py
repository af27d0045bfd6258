"""Members of a torch archive that are files of their own, by design or because somebody put them there."""

import os

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Pickle, Problem
from modeldoctor.readers.checkpoint.inside import MAX_DEPTH, Inside
from modeldoctor.readers.checkpoint.nested import may_be_model
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import Entry

# Members whose first bytes are looked at.
MAX_LOOKED = 1000
_HEAD_BYTES = 16


def read_inside(archive: Archive, entry: Entry, shown: str) -> Checkpoint:
    """The file that a member is; its places are told from the outermost file. ReadError when it cannot be unpacked."""
    archive.budget.models -= 1
    source = Inside(archive.open(entry), archive.budget, archive.depth + 1)
    return read_source(source, os.path.basename(entry.name), shown, entry.name)


def read_strangers(archive: Archive, entries: list[Entry], shown: str) -> tuple[list[Pickle], list[Checkpoint]]:
    """The pickles among these members, and the models; what is above the limits is a problem of the archive."""
    pickles: list[Pickle] = []
    models: list[Checkpoint] = []
    skipped = len(entries[MAX_LOOKED:])
    for entry in entries[:MAX_LOOKED]:
        if not entry.size_bytes or not may_be_model(entry.name, archive.head(entry, _HEAD_BYTES)):
            continue
        if archive.depth >= MAX_DEPTH or archive.budget.spent:
            skipped += 1
            continue
        try:
            found = read_inside(archive, entry, shown)
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

"""Open whatever lies at a path or inside an archive: find out what it is, and let its reader fill in the facts."""

import os
from collections.abc import Iterator
from importlib import import_module

from modeldoctor.detect import NESTING, Sniffed, sniff
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Pickle, Problem
from modeldoctor.readers.checkpoint.inside import OPCODES_FOR_TENSOR, Inside
from modeldoctor.readers.checkpoint.writer import writer
from modeldoctor.storage import File, Memory, Source

# A file up to this size is read in one go: less than what one round trip to a disk or a server costs.
SMALL_FILE_BYTES = 64 << 10
_BLOCK_BYTES = 1 << 20
# Kept in the facts; a tar header, which torch.load looks for, has as many.
_HEAD_BYTES = 512

# Of the local header of a zip member, up to its name.
_LOCAL_BYTES = 30

# Format → module beside this one with `read(source, sniffed, blank)`, imported when a file needs it.
_READERS = {
    "torch-zip": "torch_zip",
    "torchscript": "torchscript",
    "torch-export": "export",
    "torch-package": "package",
    "torch-legacy": "legacy",
    "torch-tar": "tar",
    "executorch": "executorch",
    "safetensors": "safetensors",
    "pickle": "plain_pickle",
    "joblib": "plain_pickle",
}


def read_checkpoint(path: str, shown: str, *, sha256: bool = False, shard: bool = False) -> Checkpoint:
    """Open whatever lies at `path`. Never raises for content: damage is in `Checkpoint.problems`.

    `shard`: an index named it, so neither a folder nor an index is followed from there (they may lead back).
    """
    try:
        if os.path.isdir(path) and not shard:
            from modeldoctor.readers.checkpoint.folder import read_folder

            return read_folder(path, shown)
        with File(path) as file:
            source = Memory(file.read_at(0, file.size)) if file.size <= SMALL_FILE_BYTES else file
            checkpoint = _read_file(source, path, shown, shard=shard)
            digest = _sha256(source) if sha256 else None
            return checkpoint._replace(sha256=digest, bytes_read=checkpoint.bytes_read + file.bytes_read)
    except (ReadError, OSError) as error:
        return _unreadable(Checkpoint(shown, "unknown", "file", "unreadable", 0), error)


def _read_file(source: Source, path: str, shown: str, *, shard: bool) -> Checkpoint:
    name = os.path.basename(path)
    sniffed = sniff(source, name)
    if sniffed.format == "sharded" and not shard:  # the shards lie beside it
        from modeldoctor.readers.checkpoint.sharded import read_index

        return read_index(path, shown)
    return _fill(source, sniffed, _blank(source, sniffed, shown))


def read_source(source: Source, name: str, shown: str, member: str | None = None) -> Checkpoint:
    """What the bytes hold. `name` breaks ties in detection; `member` is their place in the file at `shown`.

    A source in an archive is an `Inside`. Raises ReadError only when the disk fails.
    """
    sniffed = sniff(source, name)
    checkpoint = _fill(source, sniffed, _blank(source, sniffed, shown))
    return inside(checkpoint, member) if member else checkpoint


def _blank(source: Source, sniffed: Sniffed, shown: str) -> Checkpoint:
    head = source.read_at(0, _HEAD_BYTES) if sniffed.directory is None else _first_header(source)
    return Checkpoint(shown, sniffed.format, sniffed.title, "recognised", source.size, advice=sniffed.advice, head=head)


def _first_header(source: Source) -> bytes:
    """The first local header of a zip up to its name: torch looks for the records in the folder of that."""
    header = source.read_at(0, _LOCAL_BYTES)
    return header + source.read_at(_LOCAL_BYTES, min(int.from_bytes(header[26:28], "little"), _HEAD_BYTES))


def _fill(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """What the reader of the format makes of it."""
    try:
        if sniffed.format in _READERS:
            reader = import_module(f"modeldoctor.readers.checkpoint.{_READERS[sniffed.format]}")
            checkpoint: Checkpoint = reader.read(source, sniffed, blank)
            if isinstance(source, Inside):
                source.budget.opcodes -= OPCODES_FOR_TENSOR * len(checkpoint.tensors)
                if checkpoint.container is None:
                    source.budget.opcodes -= sum(pickle.opcode_count for pickle in checkpoint.pickles)
            problems = (*checkpoint.problems, *_stops(checkpoint))
            failed = any(problem.kind == "unreadable" for problem in problems)  # the disk, not the content
            return checkpoint._replace(
                state="unreadable" if failed else checkpoint.state,
                problems=problems,
                writer=checkpoint.writer or writer(checkpoint),
            )
        if sniffed.format in NESTING:
            from modeldoctor.readers.checkpoint.nested import read_nested

            return read_nested(source, sniffed, blank)
    except ReadError as error:
        return _unreadable(blank, error)
    return blank._replace(state="not understood") if sniffed.format == "unknown" else blank


def _stops(checkpoint: Checkpoint) -> list[Problem]:
    """Where pickles were left before their end. In a whole archive that is no cut of the file."""
    stops = [(pickle.member, pickle.stopped) for pickle in checkpoint.pickles if pickle.stopped is not None]
    stops += [(pickle.member, stop) for pickle in checkpoint.pickles for stop in _limits_inside(pickle)]
    packed = checkpoint.container is not None and checkpoint.container.kind == "zip"
    cut = any(problem.kind == "truncated" for problem in checkpoint.problems)
    return [
        stop._replace(member=member, kind="pickle-damaged" if packed and stop.kind == "truncated" else stop.kind)
        for member, stop in stops
        if not (cut and stop.kind == "truncated")
    ]


def _limits_inside(pickle: Pickle) -> Iterator[Problem]:
    """Where pickles among the values were left because they are too long; damage there is nobody's concern."""
    for inner in pickle.nested:
        if inner.stopped is not None and inner.stopped.kind == "limit":
            yield inner.stopped
        yield from _limits_inside(inner)


def _unreadable(blank: Checkpoint, error: ReadError | OSError) -> Checkpoint:
    if isinstance(error, ReadError):
        problem = Problem(error.kind, str(error), error.member, error.byte)
    else:
        problem = Problem("unreadable", (error.strerror or str(error)).lower())
    return blank._replace(state="unreadable", problems=(*blank.problems, problem))


def _sha256(source: Source) -> str:
    import hashlib

    digest = hashlib.sha256()
    for offset in range(0, source.size, _BLOCK_BYTES):
        digest.update(source.read_at(offset, _BLOCK_BYTES))
    return digest.hexdigest()


def inside(checkpoint: Checkpoint, member: str) -> Checkpoint:
    """The same facts with every place told from the outermost file: `inner.pt!archive/data.pkl`."""

    def place(name: str | None) -> str:
        return f"{member}!{name}" if name else member

    def problem(found: Problem) -> Problem:
        return found._replace(member=place(found.member))

    def pickle(found: Pickle) -> Pickle:
        return found._replace(
            member=place(found.member),
            stopped=found.stopped and problem(found.stopped),
            nested=tuple([pickle(each) for each in found.nested]),
        )

    return checkpoint._replace(
        member=place(checkpoint.member),
        problems=tuple([problem(found) for found in checkpoint.problems]),
        pickles=tuple([pickle(found) for found in checkpoint.pickles]),
        children=tuple([inside(child, member) for child in checkpoint.children]),
    )

"""A model in several files: an index says which tensor lies in which of them.

transformers/modeling_utils.py and huggingface_hub/serialization/_base.py: `weight_map` maps tensor names to the names
of files beside the index, `metadata.total_size` is the sum of the tensors' bytes.
"""

import os
from collections.abc import Iterable
from typing import Any, NamedTuple

from modeldoctor.detect import READABLE
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Problem, Shards, Storage, Tensor
from modeldoctor.readers.checkpoint import bounded_json
from modeldoctor.readers.checkpoint.anatomy import from_tensors
from modeldoctor.readers.checkpoint.read import read_checkpoint
from modeldoctor.readers.checkpoint.zip_directory import told
from modeldoctor.storage import File
from modeldoctor.wording import count, listing, quoted

# The largest published model has under 300 shards and 100,000 tensors.
MAX_SHARDS = 2000
MAX_TENSORS = 300_000


class _Index(NamedTuple):
    """Shard file name → names of its tensors."""

    shards: dict[str, list[str]]
    total_size_bytes: int | None


def read_index(path: str, shown: str) -> Checkpoint:
    """The set that the index file at `path` describes, each shard a child. Never raises for content."""
    blank = Checkpoint(shown, "sharded", READABLE["sharded"], "understood", 0)
    try:
        with File(path) as file:
            blank = blank._replace(size_bytes=file.size, bytes_read=file.size)
            index = _parse(bounded_json.read(file))
    except ReadError as error:
        kind = "index-damaged" if error.kind == "damaged" else error.kind
        return blank._replace(state="unreadable", problems=(Problem(kind, str(error), byte=error.byte),))
    return _read_shards(os.path.dirname(path), index, blank)


def _parse(document: Any) -> _Index:
    weight_map = document.get("weight_map") if isinstance(document, dict) else None
    if not isinstance(weight_map, dict):
        raise ReadError("the index has no `weight_map`")
    shards: dict[str, list[str]] = {}
    for tensor, file_name in weight_map.items():
        if not isinstance(file_name, str):
            raise ReadError(f"the index names no file for tensor {quoted(tensor)}")
        shards.setdefault(file_name, []).append(tensor)
    if len(shards) > MAX_SHARDS:
        raise ReadError(f"the index names {len(shards):,} files, {MAX_SHARDS:,} are the limit", kind="limit")
    metadata = document.get("metadata")
    total = metadata.get("total_size") if isinstance(metadata, dict) else None
    return _Index(shards, int(total) if isinstance(total, int | float) and 0 <= total < 2**63 else None)


def _read_shards(folder: str, index: _Index, blank: Checkpoint) -> Checkpoint:
    problems: list[Problem] = []
    children: list[Checkpoint] = []
    missing: list[str] = []
    tensors = 0
    for name, listed in sorted(index.shards.items()):
        if os.path.basename(name) != name or name in {"", ".", ".."} or "\\" in name or "\0" in name:
            problems.append(
                Problem("unsafe-name", "is named by the index and does not lie beside it, so it was not opened", name)
            )
        elif not os.path.lexists(os.path.join(folder, name)):
            missing.append(name)
        elif tensors > MAX_TENSORS:
            problems.append(
                Problem("limit", f"the shards before hold {tensors:,} tensors: this one was not read", name)
            )
        else:
            shard = read_checkpoint(os.path.join(folder, name), beside(blank.path, name), shard=True)
            tensors += len(shard.tensors)
            children.append(shard)
            problems += _compare(name, set(listed), shard)
    problems += _missing(missing, len(index.shards)) + _unlisted(folder, index)
    files = tuple((name, len(listed)) for name, listed in sorted(index.shards.items()))
    shards = Shards(os.path.basename(blank.path), files, tuple(missing), index.total_size_bytes)
    return merge(children, blank)._replace(shards=shards, children=tuple(children), problems=tuple(told(problems)))


def beside(shown: str, name: str) -> str:
    """The path, as reports print it, of a file in the same folder."""
    folder = shown.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def merge(shards: Iterable[Checkpoint], blank: Checkpoint) -> Checkpoint:
    """The tensors of all shards as those of one checkpoint."""
    tensors: list[Tensor] = []
    storages: list[Storage] = []
    size_bytes, bytes_read = blank.size_bytes, blank.bytes_read
    for shard in shards:
        first = len(storages)
        storages += shard.storages
        tensors += [
            tensor if tensor.storage is None else tensor._replace(storage=first + tensor.storage)
            for tensor in shard.tensors
        ]
        size_bytes += shard.size_bytes
        bytes_read += shard.bytes_read
    return blank._replace(
        tensors=tuple(tensors),
        storages=tuple(storages),
        anatomy=from_tensors(tuple(tensors), tuple(storages), contents="state_dict"),
        size_bytes=size_bytes,
        bytes_read=bytes_read,
    )


def _compare(name: str, listed: set[str], shard: Checkpoint) -> list[Problem]:
    """What the index and a shard say differently; nothing when the shard was not understood."""
    if shard.state != "understood":
        return []
    held = {tensor.path for tensor in shard.tensors}
    problems = []
    if absent := sorted(listed - held):
        text = f"lacks {count(len(absent), 'tensor')} that the index puts there: {listing(absent)}"
        problems.append(Problem("shard-mismatch", text, name, times=len(absent)))
    if extra := sorted(held - listed):
        text = f"holds {count(len(extra), 'tensor')} that the index does not put there: {listing(extra)}"
        problems.append(Problem("shard-mismatch", text, name, times=len(extra)))
    return problems


def _missing(names: list[str], of: int) -> list[Problem]:
    if len(names) == of and of > 1:
        return [Problem("shard-missing", f"none of the {of:,} shards that the index names is here", times=of)]
    return [Problem("shard-missing", "is named by the index and is not here", name) for name in names]


def _unlisted(folder: str, index: _Index) -> list[Problem]:
    """Files that are shards of such a set by their names (`…-00001-of-00002.safetensors`), and are not in the index."""
    families = {family for name in index.shards if (family := shard_family(name))}
    names = [name for name in _entries(folder) if name not in index.shards and shard_family(name) in families]
    return [Problem("shard-unlisted", "is a shard by its name, and the index does not name it", name) for name in names]


def _entries(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder or "."))
    except OSError:
        return []


def shard_family(name: str) -> tuple[str, str, str] | None:
    """What the shards of one set have in common: `model-00001-of-00002.bin` → (`model`, `00002`, `.bin`)."""
    stem, suffix = os.path.splitext(name)
    head, _, of = stem.rpartition("-of-")
    base, _, number = head.rpartition("-")
    return (base, of, suffix) if number.isdecimal() and of.isdecimal() else None

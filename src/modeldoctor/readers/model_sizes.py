"""What `fit` needs of a model, also where its weights are not: a configuration, an index, a saved inspection."""

import os
from typing import Any

from modeldoctor.detect import INDEX_SUFFIXES
from modeldoctor.errors import ReadError, UsageError
from modeldoctor.facts.checkpoint import Anatomy, Checkpoint, Part, Shards, Storage, Tensor
from modeldoctor.readers.checkpoint import bounded_json, read_checkpoint
from modeldoctor.readers.checkpoint.sharded import read_index
from modeldoctor.storage import File

SCHEMA = "modeldoctor/inspect/v1"
CONFIG = "config.json"


def read_model(path: str, shown: str) -> Checkpoint:
    """The facts of a model file or folder, of a `config.json`, an index or a saved `inspect --format json`.

    ReadError where the bytes are not what they claim to be, UsageError where there is nothing at `path`.
    """
    if not os.path.lexists(path):
        raise UsageError(f"no such file or folder: `{shown}`")
    if os.path.isdir(path):
        return _folder(path, shown)
    if path.endswith(INDEX_SUFFIXES):
        return _with_config(read_index(path, shown), os.path.dirname(path))
    if path.endswith(".json"):
        return _document(path, shown)
    found = read_checkpoint(path, shown)
    return _with_config(found, os.path.dirname(path)) if found.format == "safetensors" else found


def _folder(path: str, shown: str) -> Checkpoint:
    """A folder that is one model, or has at least its configuration."""
    found = read_checkpoint(path, shown)
    names = os.listdir(path)
    if found.tensors:
        return found
    index = next((name for name in sorted(names, reverse=True) if name.endswith(INDEX_SUFFIXES)), None)
    if index:
        return _with_config(read_index(os.path.join(path, index), shown), path)
    if CONFIG in names:
        return _configuration(os.path.join(path, CONFIG), shown)
    return found


def _with_config(found: Checkpoint, folder: str) -> Checkpoint:
    """The checkpoint with the configuration that lies beside it, if there is one."""
    path = os.path.join(folder, CONFIG)
    if found.config is not None or not os.path.isfile(path):
        return found
    value = _json(path)
    return found._replace(config=value) if isinstance(value, dict) else found


def _json(path: str) -> Any:
    with File(path) as file:
        return bounded_json.read(file)


def _document(path: str, shown: str) -> Checkpoint:
    """A JSON text: what `inspect` printed, or a configuration."""
    value = _json(path)
    if isinstance(value, dict) and value.get("schema") == SCHEMA:
        return _inspected(value, shown)
    return _configuration(path, shown)


def _configuration(path: str, shown: str) -> Checkpoint:
    value = _json(path)
    if not isinstance(value, dict):
        raise ReadError("it is neither a configuration nor what `inspect --format json` prints", kind="damaged")
    size_bytes = os.path.getsize(path)
    return Checkpoint(shown, "model-folder", "configuration without weights", "understood", size_bytes, config=value)


def _inspected(document: dict[str, Any], shown: str) -> Checkpoint:
    """The facts that `reporters.json.inspection_text` wrote; ReadError when they are not what it writes."""
    try:
        anatomy = document["anatomy"]
        index = document.get("shards")
        return Checkpoint(
            path=shown,
            format=str(document["format"]),
            title=str(document["title"]),
            state=str(document["state"]),
            size_bytes=_count(document["size_bytes"]),
            storages=tuple(_storage(row) for row in document["storages"]),
            tensors=tuple(_tensor(row) for row in document["tensors"]),
            anatomy=_anatomy(anatomy),
            config=document["config"] if isinstance(document.get("config"), dict) else None,
            shards=Shards("", (), (), _count(index["total_size_bytes"]))
            if index and index.get("total_size_bytes")
            else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReadError(f"it is no whole `inspect --format json`: {type(error).__name__}", kind="damaged") from error


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise ValueError(value)
    return value


def _storage(row: dict[str, Any]) -> Storage:
    numbers = (_count(row["numel"]), _count(row["size_bytes"]))
    return Storage(str(row["key"]), str(row["class_name"]), str(row["dtype"]), *numbers, str(row["device"]))


def _tensor(row: dict[str, Any]) -> Tensor:
    shape = tuple(_count(size) for size in row["shape"])
    storage = row["storage"]
    return Tensor(
        str(row["path"]), str(row["dtype"]), shape, tuple(row["strides"]), None if storage is None else _count(storage),
        _count(row["offset"]), str(row["device"]), kind=str(row["kind"]), layout=str(row["layout"]),
    )  # fmt: skip


def _anatomy(value: dict[str, Any]) -> Anatomy:
    """The sums as they were told; pairs are objects in JSON or lists, so only what the estimate reads is taken."""
    parts = tuple(
        Part(str(row["name"]), str(row["kind"]), _count(row["tensors"]), _count(row["size_bytes"]))
        for row in value["parts"]
    )
    key = value["weights_key"]
    return Anatomy(
        str(value["contents"]),
        weights_key=key if isinstance(key, str) else None,
        parts=parts,
        parameters=_count(value["parameters"]),
        buffers=_count(value["buffers"]),
        tensor_bytes=_count(value["tensor_bytes"]),
        storage_bytes=_count(value["storage_bytes"]),
        optimizer_bytes=_count(value["optimizer_bytes"]),
        weights_bytes=_count(value["weights_bytes"]),
    )

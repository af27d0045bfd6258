"""Builders for rule tests: facts made by hand, and the three words a `cases.py` is written in.

A rule's tests are one file, `tests/rules/<slug>/cases.py`, that holds a list named `CASES`:

    from tests.rules.builders import WALKED, bad, checkpoint, good, problem, raw, saved, skipped

    CASES = [
        bad("a cut download", checkpoint(problems=[problem("truncated", "…")]), "the first 512 bytes", severity="error"),
        good("a whole file", checkpoint()),
        skipped("found by walking", checkpoint(state="recognised"), "not checked", context=WALKED),
        bad("the real thing", raw(b"<html>404"), "words of the message"),
        good("weights on a CPU", saved(lambda: torch.nn.Linear(2, 2).state_dict()), cuda="cpu", torch="2.6.0"),
    ]

The second argument is a fact, or a function that is given an empty folder, makes the real thing there and returns its
path; that path is then read as `modeldoctor check` reads it. The texts after it must stand in the hit (message, notes,
fix or place). Import torch inside such functions, never at the top: collecting must stay quick.
`tests/rules/test_rules.py` finds the folder by the rule's slug, so there is nothing to register.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import (
    Anatomy,
    Call,
    Checkpoint,
    Event,
    Global,
    Part,
    Pickle,
    Problem,
    Storage,
    Tensor,
)
from modeldoctor.facts.environment import Target, Value
from modeldoctor.rules.base import Context

WALKED = Context(explicit=False)
STRICT = Context(strict=True)
STRICT_WALKED = Context(explicit=False, strict=True)


class Case(NamedTuple):
    """One input of a rule. `says` is None for a good input; `unjudged` is a text of the reason why it is not judged."""

    name: str
    subject: Any
    says: tuple[str, ...] | None
    context: Context
    severity: str | None = None
    hits: int = 1
    unjudged: str | None = None


def bad(
    name: str,
    subject: Any,
    *says: str,
    severity: str | None = None,
    hits: int = 1,
    context: Context | None = None,
    **target: str,
) -> Case:
    """An input that the rule must report: exactly `hits` times, with all texts of `says` in the first hit."""
    return Case(name, subject, says, context or aimed(**target), severity, hits)


def good(name: str, subject: Any, *, context: Context | None = None, **target: str) -> Case:
    """An input that the rule must be silent about."""
    return Case(name, subject, None, context or aimed(**target))


def skipped(name: str, subject: Any, reason: str, *, context: Context | None = None, **target: str) -> Case:
    """An input that the rule must say it could not judge, with this text in the reason."""
    return Case(name, subject, None, context or aimed(**target), unjudged=reason)


def aimed(*, gpus: str | None = None, **values: str) -> Context:
    """The context of a target: `aimed(torch="2.6.0", python="3.10", cuda="cpu")`; `gpus="t4 t4"`, `""` for none."""
    known = {name: Value(text, f"--{name}") for name, text in values.items()}
    cards = None if gpus is None else tuple(Value(name, "--gpu") for name in gpus.split())
    return Context(Target(gpus=cards, **known))


# --------------------------------------------------------------------------- facts


def checkpoint(
    format: str = "torch-zip",  # noqa: A002 - the name of the field
    *,
    tensors: Iterable[Tensor] = (),
    storages: Iterable[Storage] | None = None,
    problems: Iterable[Problem] = (),
    pickles: Iterable[Pickle] = (),
    anatomy: dict[str, Any] | None = None,
    extras: dict[str, Any] | None = None,
    children: Iterable[Checkpoint] = (),
    **fields: Any,
) -> Checkpoint:
    """A checkpoint that was understood, called `model.pt`.

    Tensors that name no storage get one of their own size, unless `storages` are given. `anatomy` overrides what
    follows from the tensors; every other field of `Checkpoint` may be named.
    """
    tensors = tuple(tensors)
    if storages is None:
        storages = tuple(storage_of(tensor, str(index)) for index, tensor in enumerate(tensors))
        tensors = tuple(
            tensor if tensor.layout != "strided" else tensor._replace(storage=index)
            for index, tensor in enumerate(tensors)
        )
    values = {"path": "model.pt", "title": format, "state": "understood", "size_bytes": 1000, **fields}
    return Checkpoint(
        format=format,
        tensors=tensors,
        storages=tuple(storages),
        problems=tuple(problems),
        pickles=tuple(pickles),
        anatomy=_anatomy(tensors, tuple(storages))._replace(**(anatomy or {})),
        extras=tuple((extras or {}).items()),
        children=tuple(children),
        **values,
    )


def _anatomy(tensors: tuple[Tensor, ...], storages: tuple[Storage, ...]) -> Anatomy:
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for tensor in tensors:
        sizes[tensor.dtype] = sizes.get(tensor.dtype, 0) + tensor.numel * ITEM_BYTES.get(tensor.dtype, 1)
        counts[tensor.dtype] = counts.get(tensor.dtype, 0) + 1
    devices: dict[str, int] = {}
    for storage in storages:
        devices[storage.device] = devices.get(storage.device, 0) + storage.size_bytes
    total = sum(storage.size_bytes for storage in storages)
    return Anatomy(
        "state_dict" if tensors else "unknown",
        tensor_bytes=sum(sizes.values()),
        storage_bytes=total,
        weights_bytes=total,
        bytes_by_dtype=tuple(sizes.items()),
        tensors_by_dtype=tuple(counts.items()),
        devices=tuple(devices.items()),
    )


def part(name: str, kind: str, size_bytes: int, tensors: int = 10) -> Part:
    """A top-level entry of a checkpoint."""
    return Part(name, kind, tensors, size_bytes)


ITEM_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "float16": 2, "bfloat16": 2, "int8": 1, "bool": 1}


def tensor(path: str, shape: tuple[int, ...] = (4, 4), dtype: str = "float32", **fields: Any) -> Tensor:
    """A contiguous tensor on the CPU."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    values = {"storage": None, "offset": 0, "device": "cpu", **fields}
    return Tensor(path=path, dtype=dtype, shape=shape, strides=tuple(strides), **values)


def storage(key: str = "0", numel: int = 16, dtype: str = "float32", **fields: Any) -> Storage:
    """A storage with all its bytes in the file."""
    size = numel * ITEM_BYTES.get(dtype, 1)
    name = {"float32": "Float", "float16": "Half", "float64": "Double", "int64": "Long"}.get(dtype, "Byte")
    values = {
        "class_name": f"torch.{name}Storage",
        "size_bytes": size,
        "device": "cpu",
        "record": f"archive/data/{key}",
        "stored_bytes": size,
        **fields,
    }
    return Storage(key=key, dtype=dtype, numel=numel, **values)


def storage_of(tensor: Tensor, key: str) -> Storage:
    """The storage that this tensor fills."""
    return storage(key, tensor.numel, tensor.dtype, device=tensor.device)


def problem(kind: str, text: str = "something is wrong", **fields: Any) -> Problem:
    """Something that a reader saw."""
    return Problem(kind, text, **fields)


def named(name: str, *uses: str, **fields: Any) -> Global:
    """A global: `named("os.system", "called")`; the last dot parts module and name unless `module` is given."""
    module, _, attribute = name.rpartition(".")
    if "module" in fields:
        module, attribute = fields.pop("module"), name
    return Global(module=module, name=attribute, uses=frozenset(uses or ("named",)), **{"position": 2, **fields})


def call(target: str, arguments: str = "", **fields: Any) -> Call:
    """A call that the pickle makes."""
    return Call(target, arguments, **{"position": 2, **fields})


def pickled(*globals_: Global, calls: Iterable[Call] = (), events: Iterable[Event] = (), **fields: Any) -> Pickle:
    """A pickle stream of protocol 2 that names these globals."""
    values = {
        "member": "archive/data.pkl",
        "offset": 0,
        "size_bytes": 100,
        "protocol": 2,
        "opcode_count": 20,
        "instances": (),
        **fields,
    }
    return Pickle(globals=globals_, calls=tuple(calls), events=tuple(events), **values)


# --------------------------------------------------------------------------- real files

Make = Callable[[Path], Path]


def raw(content: bytes, name: str = "model.pt") -> Make:
    """A file of exactly these bytes."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def saved(build: Callable[[], Any], name: str = "model.pt", **options: Any) -> Make:
    """A file that `torch.save` writes of what `build` returns (torch is imported when the test runs)."""

    def make(folder: Path) -> Path:
        import torch

        path = folder / name
        torch.save(build(), path, **options)
        return path

    return make


def state() -> dict[str, Any]:
    """A small state_dict with two storages."""
    import torch

    return {"w": torch.arange(16.0).reshape(4, 4), "b": torch.ones(3)}


STATE = saved(state)
LEGACY = saved(state, _use_new_zipfile_serialization=False)


def edited(make: Make, change: Callable[[bytes], bytes], name: str | None = None) -> Make:
    """The file that `make` writes with its bytes changed (`lambda data: data[:100]`), perhaps under another name."""

    def remake(folder: Path) -> Path:
        path = make(folder)
        content = change(path.read_bytes())
        path.unlink()
        path = path.with_name(name or path.name)
        path.write_bytes(content)
        return path

    return remake


def renamed(make: Make, name: str) -> Make:
    """The file that `make` writes under another name."""
    return edited(make, bytes, name)


def repacked(
    make: Make,
    *,
    drop: tuple[str, ...] = (),
    change: dict[str, Callable[[bytes], bytes]] | None = None,
    add: dict[str, bytes] | None = None,
    rename: Callable[[str], str] = str,
) -> Make:
    """The zip that `make` writes, packed again: members given by how their names end, `add` at the end by full name."""

    def pack(content: bytes) -> bytes:
        import io
        import warnings
        import zipfile

        packed = io.BytesIO()
        with (
            warnings.catch_warnings(action="ignore"),  # zipfile warns of duplicates and writes them
            zipfile.ZipFile(io.BytesIO(content)) as old,
            zipfile.ZipFile(packed, "w") as new,
        ):
            for name in old.namelist():
                data = old.read(name)
                for ending, edit in (change or {}).items():
                    data = edit(data) if name.endswith(ending) else data
                if not name.endswith(drop):
                    new.writestr(zipfile.ZipInfo(rename(name)), data)
            for name, data in (add or {}).items():
                new.writestr(zipfile.ZipInfo(name), data)
        return packed.getvalue()

    return edited(make, pack)


def flags_set(content: bytes, bit: int) -> bytes:
    """A zip with a general purpose flag set in every local header and directory entry."""
    data = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= bit
            at = data.find(signature, at + 4)
    return bytes(data)


def safetensors(
    tensors: dict[str, tuple[str, list[int], int, int]],
    data: bytes,
    *,
    metadata: Any = None,
    name: str = "model.safetensors",
) -> Make:
    """A safetensors file written by hand: name → dtype, shape, start, end."""
    import json
    import struct

    header: dict[str, Any] = {
        key: {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
        for key, (dtype, shape, start, end) in tensors.items()
    }
    if metadata is not None:
        header = {"__metadata__": metadata, **header}
    text = json.dumps(header).encode()
    return raw(struct.pack("<Q", len(text)) + text + data, name)

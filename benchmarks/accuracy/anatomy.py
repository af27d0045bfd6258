"""Hold what the readers say of a file against what torch itself loads: `python benchmarks/accuracy/anatomy.py --lab DIR`.

Every file below `DIR/files` that `matrix.json` says torch 2.13.0 loads with `weights_only=False` is read and loaded;
names, shapes, strides, dtypes, devices, `requires_grad` and which tensors share a storage must agree. TorchScript and
.pt2 files are compared with `torch.jit.load` and `torch.export.load`. Every disagreement is printed. Loading executes
the files: run it on files you trust.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint import read_checkpoint

RELEASE = "2.13.0"
MODULE_TABLES = ("_parameters", "_buffers", "_modules")


class Seen(NamedTuple):
    """A tensor as both sides describe it."""

    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    dtype: str
    device: str
    requires_grad: bool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", required=True, metavar="DIR")
    parser.add_argument("--only", default="", help="paths that contain this text")
    options, _ = parser.parse_known_args()
    sys.path.insert(0, os.path.join(options.lab, "tools"))
    warnings.simplefilter("ignore")
    logging.disable()
    counts: Counter[str] = Counter()
    for path, loader in files(options.lab):
        if options.only not in path:
            continue
        checkpoint = read_checkpoint(path, path)
        try:
            loaded = load(path, loader)
        except Exception as error:  # noqa: BLE001 - what torch refuses is not compared, whatever it raises
            counts["not loaded here"] += 1
            print(f"not loaded  {path}: {type(error).__name__}: {str(error)[:90]}")
            continue
        differences = list(compare(checkpoint, loaded, loader))
        counts["agrees" if not differences else "differs"] += 1
        for difference in differences[:5]:
            print(f"differs  {path}: {difference}")
    print(", ".join(f"{number} {what}" for what, number in sorted(counts.items())))
    return 1 if counts["differs"] or not counts["agrees"] else 0


def files(lab: str) -> Iterator[tuple[str, str]]:
    """The files that the release loads, and by which loader (`load`; `cpu` with map_location; `jit`, `export`)."""
    with open(os.path.join(lab, "matrix.json"), encoding="utf-8") as file:
        matrix = json.load(file)
    for folder, _, names in sorted(os.walk(os.path.join(lab, "files"))):
        for name in sorted(names):
            kind, _ = os.path.splitext(name)
            writer = os.path.basename(folder)
            cells = matrix["cells"].get(kind, {}) or matrix["cells"].get(name, {})
            writer = matrix.get("same_content", {}).get(kind, {}).get(writer, writer)
            modes = next((modes for readers, modes in cells.get(writer, []) if RELEASE in readers.split()), {})
            for mode, loader in (("J", "jit"), ("E", "export"), ("W0", "load"), ("F", "load"), ("C", "cpu")):
                if mode in modes and matrix["outcomes"][modes[mode]][1] == "ok":
                    yield os.path.join(folder, name), loader
                    break


def load(path: str, loader: str) -> dict[str, torch.Tensor]:
    """Path in the object → tensor, as torch loads it."""
    if loader == "jit":
        module = torch.jit.load(path)
        return dict([*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)])
    if loader == "export":
        return dict(torch.export.load(path).state_dict)
    location = "cpu" if loader == "cpu" else None
    return dict(walk(torch.load(path, map_location=location, weights_only=False), "", ()))


def walk(value: Any, path: str, around: tuple[int, ...]) -> Iterator[tuple[str, torch.Tensor]]:
    """Every tensor in the object, with its path: keys, indices and attributes joined with dots."""
    if isinstance(value, torch.nn.parameter.UninitializedTensorMixin):
        return  # it has no shape yet
    if isinstance(value, torch.Tensor):
        yield path, value
        return
    if id(value) in around or len(around) > 50:
        return
    for name, child in children(value):
        yield from walk(child, f"{path}.{name}" if path else str(name), (*around, id(value)))


def children(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, torch.nn.Module):
        for name, attribute in vars(value).items():
            if name in MODULE_TABLES:
                yield from attribute.items()
            else:
                yield name, attribute
    elif isinstance(value, dict):
        yield from value.items()
        yield from getattr(value, "__dict__", {}).items()
    elif isinstance(value, torch.ScriptObject):  # packed weights of quantized modules
        yield from enumerate(value.__getstate__())
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)
    elif hasattr(value, "__dict__") and not isinstance(value, type):
        yield from vars(value).items()


def compare(checkpoint: Checkpoint, loaded: dict[str, torch.Tensor], loader: str) -> Iterator[str]:
    """What differs, in words. torch.jit and torch.export may lay tensors out anew, `map_location` moves them."""
    strides = loader in {"load", "cpu"}
    ours = {tensor.path: tensor for tensor in checkpoint.tensors}
    kept = {name: tensor for name, tensor in loaded.items() if strides or name in ours}
    if strides or len(kept) < len(loaded):
        for name in sorted(set(ours) ^ set(loaded)):
            yield f"{name!r} only {'in the facts' if name in ours else 'in torch'}"
    for name in sorted(set(ours) & set(loaded)):
        tensor, real = ours[name], loaded[name]
        strided = strides and real.layout is torch.strided
        expected = Seen(
            tuple(real.shape),
            tuple(real.stride()) if strided else None,
            str(real.dtype).removeprefix("torch."),
            tensor.device if loader == "cpu" else str(real.device),
            real.requires_grad,
        )
        found = Seen(
            tensor.shape, tensor.strides if strided else None, tensor.dtype, tensor.device, tensor.requires_grad
        )
        if found != expected:
            yield f"{name!r} is {found} in the facts, {expected} in torch"
    common = [name for name in ours if name in loaded and loaded[name].layout is torch.strided and loaded[name].numel()]
    yield from sharing(checkpoint, {name: loaded[name] for name in common})


def sharing(checkpoint: Checkpoint, loaded: dict[str, torch.Tensor]) -> Iterator[str]:
    """Whether the same tensors share a storage on both sides."""
    index = {tensor.path: tensor.storage for tensor in checkpoint.tensors}
    theirs: dict[int, int | None] = {}
    for name, tensor in loaded.items():
        try:
            key = tensor.untyped_storage()._cdata
        except (NotImplementedError, RuntimeError):  # quantized, sparse and wrapper tensors
            continue
        if tensor.device.type == "meta":
            continue
        if theirs.setdefault(key, index[name]) != index[name]:
            yield f"{name!r} shares its storage in torch, not in the facts"
    if len(set(theirs.values())) < len(theirs):
        yield f"{len(theirs)} storages in torch, {len(set(theirs.values()))} in the facts"


if __name__ == "__main__":
    sys.exit(main())

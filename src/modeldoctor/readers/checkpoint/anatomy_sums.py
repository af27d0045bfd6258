"""Sums over tensors and storages. A storage counts once however many tensors show it, and so does a tied tensor."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, repeat
from math import prod
from operator import itemgetter, mul
from typing import Any

from modeldoctor.facts.checkpoint import Part, Prefix, Storage, Tensor
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES

# Parts of a state_dict or container that are told apart; the smaller ones are put together.
MOST_PARTS = 24
# Levels of names at which a state_dict is divided at most (`model.diffusion_model.input_blocks`).
_DEEPEST = 4
# What batch norm and its kin keep beside their parameters, and the dtypes of masks, positions and counters.
_BUFFER_NAMES = ("running_mean", "running_var", "num_batches_tracked")
_BUFFER_DTYPES = frozenset({"int64", "int32", "int16", "bool"})
# What wrappers put into names. All but `model.` (the attribute of a LightningModule, and of most Hugging Face models)
# is in the way of loading. `base_model.model.` of PEFT belongs there and is none of them. Sources: DataParallel and
# DistributedDataParallel; torch/_dynamo/eval_frame.py, OptimizedModule; torch/distributed/fsdp, FSDP_WRAPPED_MODULE;
# lightning/fabric/wrappers.py.
_LEADING = ("module.", "model.")
_ANYWHERE = ("_orig_mod.", "_fsdp_wrapped_module.", "_forward_module.")
# Layouts whose elements lie in the one storage that the tensor names.
_STORED = frozenset({"strided", "quantized", "nested"})

# Fields of Tensor. Getting a column of them in C costs a tenth of reading an attribute of each.
_path, _dtype, _shape, _place, _device = map(itemgetter, (0, 1, 2, 4, 6))
_kind = itemgetter(8)
_named = itemgetter(0, 1, 8)
_layout = itemgetter(9)
_storage_size = itemgetter(4)


def add_up(
    tensors: Sequence[Tensor], storages: Sequence[Storage], weights: Sequence[Tensor], optimizer: Sequence[Tensor]
) -> dict[str, Any]:
    """The fields of Anatomy that are sums. `weights` are the tensors to serve, `optimizer` those of optimizers."""
    sizes = list(map(_storage_size, storages))
    whole = sum(sizes)
    unique = distinct(tensors)
    numels = list(map(prod, map(_shape, unique)))
    by_dtype, shown_bytes = _weigh(unique, numels, sizes)
    served = unique if weights is tensors else distinct(weights)
    elements, buffers = _elements(served, numels if served is unique else list(map(prod, map(_shape, served))))
    own = set(map(_place, weights))
    return {
        "parameters": elements - buffers,
        "buffers": buffers,
        "tensor_bytes": shown_bytes,
        "storage_bytes": whole,
        # Sets decide the order in which dtypes of the same size are met, and two runs must say the same.
        "bytes_by_dtype": tuple(sorted(by_dtype.items(), key=lambda item: (-item[1], item[0]))),
        "tensors_by_dtype": tuple(Counter(map(_dtype, tensors)).most_common()),
        "optimizer_bytes": _total(set(map(_place, optimizer)) - own, sizes),
        "weights_bytes": whole if weights is tensors else _total(own, sizes),
        "devices": tuple(Counter(map(_device, tensors)).most_common()),
    }


def distinct(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """The tensors without those that show the same as an earlier one."""
    if len(set(map(_place, tensors))) == len(tensors):
        return tensors
    seen: set[str] = set()
    found: list[Tensor] = []
    for tensor in tensors:
        # Text, because hashes of numbers from a file can be made to collide.
        view = f"{tensor.storage} {tensor.offset} {tensor.shape} {tensor.strides}"
        if tensor.storage is None or view not in seen:
            seen.add(view)
            found.append(tensor)
    return found


def _elements(tensors: Sequence[Tensor], numels: list[int]) -> tuple[int, int]:
    """Elements of all, and of buffers: by registration where modules tell, else by name and dtype."""
    paths = list(map(_path, tensors))
    if set(map(_kind, tensors)) <= {"tensor"} and not _BUFFER_DTYPES & set(map(_dtype, tensors)):
        text = "\n".join(paths)
        if not any(name in text for name in _BUFFER_NAMES):
            return sum(numels), 0
    buffers = sum(
        numel
        for (path, dtype, kind), numel in zip(map(_named, tensors), numels, strict=True)
        if kind == "buffer" or (kind == "tensor" and (dtype in _BUFFER_DTYPES or path.endswith(_BUFFER_NAMES)))
    )
    return sum(numels), buffers


def _weigh(tensors: Sequence[Tensor], numels: list[int], sizes: Sequence[int]) -> tuple[Counter[str], int]:
    """Bytes by dtype, and bytes of storages that tensors show. What overlaps is not more than its storage.

    Storages that no tensor names belong to the parts of sparse and wrapped tensors: they count as shown.
    """
    items = {dtype: ITEM_BYTES.get(dtype, 1) for dtype in set(map(_dtype, tensors))}
    weights = list(map(mul, numels, map(items.__getitem__, map(_dtype, tensors))))
    if not set(map(_layout, tensors)) <= _STORED:
        weights = [
            weight if layout in _STORED else 0 for weight, layout in zip(weights, map(_layout, tensors), strict=True)
        ]
    by_dtype = Counter(dict.fromkeys(items, 0))
    for dtype in items:
        own = map(dtype.__eq__, map(_dtype, tensors)) if len(items) > 1 else repeat(1)
        by_dtype[dtype] = sum(map(mul, weights, own))
    places = list(map(_place, tensors))
    if len(set(places)) == len(places) and None not in places:
        shown = dict(zip(places, weights, strict=True))
    else:
        shown = {}
        for place, weight in zip(places, weights, strict=True):
            if place is not None:
                shown[place] = shown.get(place, 0) + weight
    unnamed = sum(sizes) - _total(shown, sizes)
    return by_dtype, unnamed + sum(map(min, shown.values(), map(sizes.__getitem__, shown)))


def _total(places: Iterable[int | None], sizes: Sequence[int]) -> int:
    return sum(sizes[place] for place in places if place is not None)


# --------------------------------------------------------------------------- parts and prefixes


def new_bytes(tensors: Sequence[Tensor], storages: Sequence[Storage], seen: set[int]) -> int:
    """Bytes of the storages that come up for the first time."""
    places = {place for place in map(_place, tensors) if place is not None} - seen
    seen |= places
    return sum(storages[place].size_bytes for place in places)


def groups(tensors: Sequence[Tensor], storages: Sequence[Storage]) -> tuple[Part, ...]:
    """The tensors of a module or state_dict by the first part of their names that tells them apart.

    Parts that differ by a number only (`layer0`, `layer1`…) are put together (`layer*`) when there are many.
    """
    paths = list(map(_path, tensors))
    heads = [path.partition(".")[0] for path in paths]
    level = 1
    while len(set(heads)) == 1 and level < _DEEPEST and any(path.count(".") > level for path in paths):
        level += 1
        heads = [".".join(path.split(".", level)[:level]) for path in paths]
    many = len(set(heads)) > MOST_PARTS
    names = [head.rstrip("0123456789") for head in heads] if many else heads
    places = list(map(_place, tensors))
    seen: set[int] = set()
    parts: dict[str, Part] = {}
    at = 0
    for name, run in groupby(names):
        end = at + sum(1 for _ in run)
        _, kind, tensors_before, size = parts.get(name, ("", "weights", 0, 0))
        new = set(places[at:end]) - seen - {None}
        seen |= new
        shown = name if name == heads[at] else name + "*"
        size += sum(storages[place][4] for place in new)
        parts[name] = Part(shown, kind, tensors_before + end - at, size)
        at = end
    return largest(list(parts.values()))


def largest(parts: list[Part]) -> tuple[Part, ...]:
    """The parts in their order; of many the largest, and the others as one."""
    if len(parts) <= MOST_PARTS:
        return tuple(parts)
    floor = sorted((part.size_bytes for part in parts), reverse=True)[MOST_PARTS - 1]
    kept = [part for part in parts if part.size_bytes > floor]
    kept += [part for part in parts if part.size_bytes == floor][: MOST_PARTS - 1 - len(kept)]
    chosen = set(map(id, kept))
    others = [part for part in parts if id(part) not in chosen]
    rest = Part(
        f"{len(others):,} others",
        others[0].kind if len({part.kind for part in others}) == 1 else "other",
        sum(part.tensors for part in others),
        sum(part.size_bytes for part in others),
    )
    return (*[part for part in parts if id(part) in chosen], rest)


def prefixes(names: Sequence[str]) -> tuple[Prefix, ...]:
    """The prefixes of wrappers among the names of the weights."""
    text = "\n" + "\n".join(names)
    found = [(prefix, sum(name.startswith(prefix) for name in names)) for prefix in _LEADING if f"\n{prefix}" in text]
    found += [(prefix, sum(prefix in name for name in names)) for prefix in _ANYWHERE if prefix in text]
    return tuple(Prefix(prefix, keys, len(names)) for prefix, keys in found if keys)

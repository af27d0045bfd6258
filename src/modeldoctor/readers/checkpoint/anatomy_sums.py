"""Sums over tensors and storages. A storage counts once however many tensors show it, and so does a tied tensor."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import prod
from operator import itemgetter

from modeldoctor.facts.checkpoint import Anatomy, Part, Prefix, Storage, Tensor
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES

# Parts of a state_dict or container that are told apart; the smaller ones are put together.
MOST_PARTS = 24
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

# Fields of Tensor. Getting them in C makes the sums over 20,000 tensors cost what reading three attributes costs.
_path, _dtype, _shape, _storage, _device = map(itemgetter, (0, 1, 2, 4, 6))
_named = itemgetter(0, 1, 2, 8)
_weighed = itemgetter(1, 2, 4, 9)


def add_up(
    anatomy: Anatomy,
    tensors: Sequence[Tensor],
    storages: Sequence[Storage],
    weights: Sequence[Tensor],
    optimizer: Sequence[Tensor],
) -> Anatomy:
    """The anatomy with its sums. `weights` are the tensors to serve, `optimizer` those of optimizers."""
    sizes = [storage.size_bytes for storage in storages]
    unique = distinct(tensors)
    served = unique if weights is tensors else distinct(weights)
    elements, buffers = _elements(served)
    by_dtype, shown_bytes = _weigh(unique, sizes)
    own = set(map(_storage, weights))
    return anatomy._replace(
        parameters=elements - buffers,
        buffers=buffers,
        tensor_bytes=shown_bytes,
        storage_bytes=sum(sizes),
        bytes_by_dtype=tuple(by_dtype.most_common()),
        tensors_by_dtype=tuple(Counter(map(_dtype, tensors)).most_common()),
        optimizer_bytes=_total(set(map(_storage, optimizer)) - own, sizes),
        weights_bytes=sum(sizes) if weights is tensors else _total(own, sizes),
        devices=tuple(Counter(map(_device, tensors)).most_common()),
    )


def distinct(tensors: Sequence[Tensor]) -> Sequence[Tensor]:
    """The tensors without those that show the same as an earlier one."""
    if len(set(map(_storage, tensors))) == len(tensors):
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


def _elements(tensors: Sequence[Tensor]) -> tuple[int, int]:
    """Elements of all, and of buffers: by registration where modules tell, else by name and dtype."""
    elements = buffers = 0
    for path, dtype, shape, kind in map(_named, tensors):
        numel = prod(shape)
        elements += numel
        if kind == "buffer" or (kind == "tensor" and (dtype in _BUFFER_DTYPES or path.endswith(_BUFFER_NAMES))):
            buffers += numel
    return elements, buffers


def _weigh(tensors: Sequence[Tensor], sizes: Sequence[int]) -> tuple[Counter[str], int]:
    """Bytes by dtype, and bytes of storages that tensors show. What overlaps is not more than its storage.

    Storages that no tensor names belong to the parts of sparse and wrapped tensors: they count as shown.
    """
    by_dtype: Counter[str] = Counter()
    shown: dict[int, int] = {}
    for dtype, shape, storage, layout in map(_weighed, tensors):
        size = prod(shape) * ITEM_BYTES.get(dtype, 1) if layout in _STORED else 0
        by_dtype[dtype] += size
        if storage is not None:
            shown[storage] = shown.get(storage, 0) + size
    unnamed = sum(size for place, size in enumerate(sizes) if place not in shown)
    return by_dtype, unnamed + sum(min(size, sizes[place]) for place, size in shown.items())


def _total(places: Iterable[int | None], sizes: Sequence[int]) -> int:
    return sum(sizes[place] for place in places if place is not None)


# --------------------------------------------------------------------------- parts and prefixes


def new_bytes(tensors: Sequence[Tensor], storages: Sequence[Storage], seen: set[int]) -> int:
    """Bytes of the storages that come up for the first time."""
    places = {place for place in map(_storage, tensors) if place is not None} - seen
    seen |= places
    return sum(storages[place].size_bytes for place in places)


def groups(tensors: Sequence[Tensor], storages: Sequence[Storage]) -> tuple[Part, ...]:
    """The tensors of a module or state_dict by the first part of their names that tells them apart."""
    heads = [path.partition(".")[0] for path in map(_path, tensors)]
    level = 1
    while len(set(heads)) == 1 and level < 4 and any(path.count(".") > level for path in map(_path, tensors)):
        level += 1
        heads = [".".join(path.split(".", level)[:level]) for path in map(_path, tensors)]
    members: dict[str, list[Tensor]] = {}
    for head, tensor in zip(heads, tensors, strict=True):
        members.setdefault(head, []).append(tensor)
    seen: set[int] = set()
    parts = [Part(head, "weights", len(own), new_bytes(own, storages, seen)) for head, own in members.items()]
    return largest(parts)


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
    found = [(prefix, sum(1 for name in names if name.startswith(prefix))) for prefix in _LEADING]
    found += [(prefix, sum(1 for name in names if prefix in name)) for prefix in _ANYWHERE]
    return tuple(Prefix(prefix, keys, len(names)) for prefix, keys in found if keys)

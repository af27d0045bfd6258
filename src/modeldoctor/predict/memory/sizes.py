"""What a model weighs: the tensors that are served, by dtype, and what loading the file takes."""

from collections import Counter
from math import prod
from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint, Tensor
from modeldoctor.facts.dtypes import ITEM_BYTES

# Bytes per element of the dtypes that a model can be asked to be served in. int8 and int4 hold a scale for each group
# of 128 weights (2 bytes; bitsandbytes and GPTQ do so, AWQ and GPTQ add a zero point): see QUANTIZED.
ITEM = {"float64": 8.0, "float32": 4.0, "float16": 2.0, "bfloat16": 2.0, "float8": 1.0, "int8": 1.0, "int4": 0.5}
QUANTIZED = frozenset({"float8", "int8", "int4"})
GROUP = 128
# What `.half()`, `.to(dtype)` and `torch_dtype=` change. Integers and packed weights stay as they are.
FLOATING = frozenset({"float64", "float32", "float16", "bfloat16"})
# Tables that quantizers leave in 16 bits.
_NOT_QUANTIZED = ("embed", "wte", "wpe", "lm_head", "shared.", "output.weight")
# CUDA and CPU allocators hand out multiples of this (c10/core/AllocatorConfig.h, kMinBlockSize).
BLOCK = 512
# Different shapes of tensors that are told apart; the largest published models have a few dozen.
MAX_PIECES = 5_000


class Piece(NamedTuple):
    """A tensor to serve, or several that are alike: elements of each, how many there are, whether it is quantizable."""

    dtype: str
    numel: int
    size_bytes: int
    matrix: bool
    times: int = 1


class Sizes(NamedTuple):
    """Bytes of a model. `storage_bytes` is what loading everything in the file allocates, each storage once.

    `pieces` are the tensors to serve; `weights_bytes` their storages, `other_bytes` what no piece accounts for (sparse
    and wrapped tensors, views of larger storages). `largest_bytes` is the largest storage. `spread` is how far the
    figures may be off, as a fraction: 0 when they were read, more when they follow from a configuration.
    """

    pieces: tuple[Piece, ...]
    storage_bytes: int
    weights_bytes: int
    other_bytes: int
    optimizer_bytes: int
    largest_bytes: int
    parameters: int
    dtype: str
    spread: float = 0.0
    source: str = "sizes of the storages in the file"
    ema_bytes: int = 0
    file_bytes: int = 0


def sizes_of(checkpoint: Checkpoint) -> Sizes:
    """The sizes of a checkpoint that was understood."""
    anatomy = checkpoint.anatomy
    sizes = [storage.size_bytes for storage in checkpoint.storages]
    pieces = alike(_pieces(served(checkpoint)))
    weights_bytes = anatomy.weights_bytes or anatomy.storage_bytes - anatomy.optimizer_bytes
    by_dtype: dict[str, int] = {}
    for piece in pieces:
        by_dtype[piece.dtype] = by_dtype.get(piece.dtype, 0) + piece.size_bytes * piece.times
    return Sizes(
        pieces=pieces,
        storage_bytes=anatomy.storage_bytes,
        weights_bytes=weights_bytes,
        other_bytes=max(0, weights_bytes - sum(piece.size_bytes * piece.times for piece in pieces)),
        optimizer_bytes=anatomy.optimizer_bytes,
        largest_bytes=max(sizes, default=0),
        parameters=anatomy.parameters,
        dtype=max(by_dtype, key=lambda dtype: by_dtype[dtype], default="float32"),
        ema_bytes=sum(part.size_bytes for part in anatomy.parts if part.kind == "ema"),
        file_bytes=weights_file_bytes(checkpoint),
    )


def weights_file_bytes(checkpoint: Checkpoint) -> int:
    """The bytes that a loader reads: not the other forms of the same weights in a folder."""
    held = sum(storage.stored_bytes or storage.size_bytes for storage in checkpoint.storages)
    return held if checkpoint.children and held else max(checkpoint.size_bytes, held)


def served(checkpoint: Checkpoint) -> list[Tensor]:
    """The tensors of the model that is served, each once: the weights of a training checkpoint, else all."""
    anatomy = checkpoint.anatomy
    tensors: list[Tensor] = list(checkpoint.tensors)
    if anatomy.weights_key:
        head = f"{anatomy.weights_key}."
        tensors = [each for each in tensors if each.path.startswith(head) or each.path == anatomy.weights_key]
    elif anatomy.contents == "training":
        useless = tuple(f"{part.name}." for part in anatomy.parts if part.kind not in {"weights", "ema", "other"})
        tensors = [each for each in tensors if not each.path.startswith(useless)] if useless else tensors
    seen: set[tuple[object, ...]] = set()
    found = []
    for tensor in tensors:
        view = (tensor.storage, tensor.offset, tensor.shape) if tensor.storage is not None else (tensor.path,)
        if view not in seen:
            seen.add(view)
            found.append(tensor)
    return found


def _pieces(tensors: list[Tensor]) -> list[Piece]:
    pieces = []
    for tensor in tensors:
        if tensor.layout in {"strided", "quantized"}:
            numel = prod(tensor.shape)
            pieces.append(Piece(tensor.dtype, numel, numel * ITEM_BYTES.get(tensor.dtype, 1), is_matrix(tensor)))
    return pieces


def alike(pieces: list[Piece]) -> tuple[Piece, ...]:
    """The pieces with equal ones as one; beyond a limit, all others of a dtype as one."""
    counts = Counter(pieces)
    kept = [piece._replace(times=times) for piece, times in list(counts.items())[:MAX_PIECES]]
    rest: dict[tuple[str, bool], tuple[int, int]] = {}
    for piece, times in list(counts.items())[MAX_PIECES:]:
        numel, size = rest.get((piece.dtype, piece.matrix), (0, 0))
        rest[piece.dtype, piece.matrix] = numel + piece.numel * times, size + piece.size_bytes * times
    return (*kept, *(Piece(dtype, numel, size, matrix) for (dtype, matrix), (numel, size) in rest.items()))


def is_matrix(tensor: Tensor) -> bool:
    """Whether quantizers pack it: the weight of a linear layer, but no table of embeddings."""
    return len(tensor.shape) == 2 and not any(word in tensor.path for word in _NOT_QUANTIZED)


def bytes_as(sizes: Sizes, dtype: str | None, *, storages: bool) -> int:
    """The weights in a dtype (None: as they are). `storages`: tensors keep the storages of the file, views included."""
    if dtype is None or (dtype == sizes.dtype and all(piece.dtype in {dtype, *_UNTOUCHED} for piece in sizes.pieces)):
        return sizes.weights_bytes if storages else sum(p.size_bytes * p.times for p in sizes.pieces) + _left(sizes)
    return sum(piece_bytes(piece, dtype) * piece.times for piece in sizes.pieces) + _left(sizes)


_UNTOUCHED = frozenset({"int64", "int32", "int16", "int8", "uint8", "bool"})


def _left(sizes: Sizes) -> int:
    """Sparse and wrapped tensors: no piece stands for them. Surplus of views does not survive a copy."""
    return sizes.other_bytes if not sizes.pieces else 0


def piece_bytes(piece: Piece, dtype: str | None) -> int:
    """One tensor in a dtype; only floating point changes, and only matrices are quantized."""
    if dtype is None or piece.dtype not in FLOATING:
        return piece.size_bytes
    if dtype in QUANTIZED:
        if not piece.matrix:
            return piece.numel * 2
        return int(piece.numel * ITEM[dtype]) + piece.numel // GROUP * 2
    return int(piece.numel * ITEM[dtype])

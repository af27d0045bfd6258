"""The `…_weights_config.json` of a .pt2 archive: names, shapes and the records with their bytes.

torch/_export/serde/schema.py: PayloadConfig, PayloadMeta, TensorMeta, ScalarType.
"""

from typing import Any, NamedTuple

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Storage, Tensor
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES

# schema.ScalarType
_DTYPES = {
    **dict(enumerate(("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"), 1)),
    **dict(enumerate(("complex32", "complex64", "complex128", "bool", "bfloat16"), 9)),
    **dict(enumerate(("uint16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"), 28)),
    **dict(enumerate(("float8_e8m0fnu", "uint32", "uint64"), 33)),
}
# schema.Layout
_LAYOUTS = dict(
    enumerate(("sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "mkldnn", "strided"), 1)
)
_MAX_DIMENSIONS = 64  # c10/core/impl: torch tensors have at most 64


class Payload(NamedTuple):
    """What a configuration lists. `storages` name their member in `record`; `pickled` are members that are loaded."""

    tensors: tuple[Tensor, ...]
    storages: tuple[Storage, ...]
    pickled: tuple[str, ...]


def read_config(config: Any, folder: str, first: int, prefix: str, kind: str) -> Payload:
    """The payloads, with storages numbered from `first`; ReadError when the JSON is not of this form.

    `prefix` stands before every name, `kind` is that of tensors that are no parameters.
    """
    listed = config.get("config") if isinstance(config, dict) else None
    if not isinstance(listed, dict):
        raise ReadError("has no `config` object")
    tensors: list[Tensor] = []
    storages: dict[str, Storage] = {}
    places: dict[str, int] = {}
    pickled: dict[str, None] = {}
    for name, meta in listed.items():
        if not isinstance(meta, dict) or not isinstance(meta.get("path_name"), str):
            raise ReadError(f"{name[:80]!r} has no `path_name`")
        record = folder + meta["path_name"]
        form = meta.get("tensor_meta")
        if meta.get("use_pickle"):
            pickled[record] = None
        if not isinstance(form, dict):
            continue
        tensor = _tensor(prefix + name, form, "parameter" if meta.get("is_param") is True else kind)
        if not meta.get("use_pickle"):
            storages[record] = _storage(record, tensor, storages.get(record))
            tensor = tensor._replace(storage=first + places.setdefault(record, len(places)))
        tensors.append(tensor)
    return Payload(tuple(tensors), tuple(storages.values()), tuple(pickled))


def _tensor(name: str, form: dict[str, Any], kind: str) -> Tensor:
    device = form.get("device") or {}
    index = device.get("index") if isinstance(device, dict) else None
    place = device.get("type") if isinstance(device, dict) else None
    return Tensor(
        path=name,
        dtype=_DTYPES.get(_number(form.get("dtype")), "unknown"),
        shape=_numbers(form.get("sizes"), name),
        strides=_numbers(form.get("strides"), name),
        storage=None,
        offset=_number(form.get("storage_offset")),
        device=f"{place}:{index}" if index is not None else str(place or "cpu"),
        requires_grad=form.get("requires_grad") is True,
        kind=kind,
        layout=_LAYOUTS.get(_number(form.get("layout")), "strided"),
    )


def _storage(record: str, tensor: Tensor, known: Storage | None) -> Storage:
    """The storage of a record: as large as the farthest element of the tensors that view it."""
    item = ITEM_BYTES.get(tensor.dtype, 1)
    steps = zip(tensor.shape, tensor.strides, strict=False)
    extent = tensor.offset + 1 + sum((size - 1) * stride for size, stride in steps) if tensor.numel else 0
    needed = max(extent * item, known.size_bytes if known else 0)
    key = record.rpartition("/")[2]
    return Storage(key, "", tensor.dtype, needed // item, needed, tensor.device, record)


def _number(value: Any) -> int:
    """A whole number, as such or as the `as_int` of a SymInt; 0 for anything else."""
    if isinstance(value, dict):
        value = value.get("as_int")
    return value if type(value) is int and 0 <= value < 1 << 63 else 0


def _numbers(values: Any, name: str) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) > _MAX_DIMENSIONS:
        raise ReadError(f"{name[:80]!r} has no list of sizes or strides")
    return tuple([_number(value) for value in values])

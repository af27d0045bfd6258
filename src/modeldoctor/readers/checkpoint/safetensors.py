"""safetensors: the header says everything, so nothing else is read.

Strict where the real reader is: what `safetensors` 0.8 refuses (safetensors/src/tensor.rs, `Metadata::validate` and
`read_metadata`) is a problem here, what it lets pass (space before the JSON, unknown keys, unaligned data) is none.
"""

import struct
from collections import Counter
from typing import Any, NamedTuple

from modeldoctor.detect import MAX_SAFETENSORS_HEADER, Sniffed
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Problem, Storage, Tensor
from modeldoctor.readers.checkpoint import bounded_json
from modeldoctor.readers.checkpoint.anatomy import from_tensors
from modeldoctor.readers.checkpoint.zip_directory import told
from modeldoctor.storage import Source
from modeldoctor.wording import quoted

# More tensors than any published model has in one file; each costs about a kilobyte of facts.
MAX_TENSORS = 100_000
# After so many faults in a header the others are not looked for.
MAX_FAULTS = 1000
_MAX_USIZE = 2**64 - 1
# torch/headeronly and NumPy stop at 64 dimensions; a shape of a million would only cost time.
_MAX_DIMENSIONS = 64
_FIELDS = ("dtype", "shape", "data_offsets")

# safetensors/src/tensor.rs, Dtype: bits of an element, and the name of the torch dtype that holds it (none for 6 bits).
_DTYPES = {
    "BOOL": (8, "bool"),
    "F4": (4, "float4_e2m1fn_x2"),
    "F6_E2M3": (6, "float6_e2m3"),
    "F6_E3M2": (6, "float6_e3m2"),
    "U8": (8, "uint8"),
    "I8": (8, "int8"),
    "F8_E5M2": (8, "float8_e5m2"),
    "F8_E4M3": (8, "float8_e4m3fn"),
    "F8_E8M0": (8, "float8_e8m0fnu"),
    "F8_E4M3FNUZ": (8, "float8_e4m3fnuz"),
    "F8_E5M2FNUZ": (8, "float8_e5m2fnuz"),
    "I16": (16, "int16"),
    "U16": (16, "uint16"),
    "F16": (16, "float16"),
    "BF16": (16, "bfloat16"),
    "I32": (32, "int32"),
    "U32": (32, "uint32"),
    "F32": (32, "float32"),
    "C64": (64, "complex64"),
    "F64": (64, "float64"),
    "I64": (64, "int64"),
    "U64": (64, "uint64"),
}


class _Entry(NamedTuple):
    """One tensor as the header has it; `start` and `end` count bytes from the end of the header."""

    start: int
    end: int
    name: str
    bits: int
    dtype: str
    shape: tuple[int, ...]


class _Header(NamedTuple):
    """`members` without `__metadata__`; `twice` are the tensors that are named more than once."""

    length: int
    members: dict[str, Any]
    metadata: dict[str, str] | None
    twice: list[Problem]


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the header says. Never raises for content."""
    del sniffed
    try:
        header = _header(source)
        entries = sorted(_entry(name, value) for name, value in header.members.items())
    except ReadError as error:
        kind = "safetensors-header" if error.kind == "damaged" else error.kind
        problem = Problem(kind, str(error), byte=error.byte)
        return blank._replace(state="unreadable", problems=(*blank.problems, problem))
    data_start = 8 + header.length
    problems = header.twice + _problems(entries, source.size - data_start)
    tensors, storages = _facts(entries, data_start, source.size)
    return blank._replace(
        state="understood",
        tensors=tensors,
        storages=storages,
        anatomy=from_tensors(tensors, storages, contents="state_dict"),
        problems=blank.problems + tuple(_told(problems)),
        extras=(("metadata", header.metadata), ("header_bytes", header.length), ("aligned", data_start % 8 == 0)),
    )


# --------------------------------------------------------------------------- header


def _header(source: Source) -> _Header:
    """The header, parsed. No length is believed before it is compared with the file's."""
    prefix = source.read_at(0, 8)
    if len(prefix) < 8:
        raise ReadError(f"{len(prefix)} bytes are too few for a header", kind="truncated", byte=len(prefix))
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_SAFETENSORS_HEADER:
        raise ReadError(f"claims a header of {length:,} bytes; readers refuse more than {MAX_SAFETENSORS_HEADER:,}")
    if 8 + length > source.size:
        text = f"claims a header of {length:,} bytes, {source.size - 8:,} follow"
        raise ReadError(text, kind="truncated", byte=source.size)
    if length > bounded_json.MAX_BYTES:
        raise ReadError(f"header of {length:,} bytes is above the limit of {bounded_json.MAX_BYTES:,}", kind="limit")
    data = source.read_at(8, length)
    if data.count(b'"data_offsets"') > MAX_TENSORS:
        raise ReadError(f"describes more tensors than the limit of {MAX_TENSORS:,}", kind="limit")
    repeated: list[str] = []
    try:
        members = bounded_json.parse(data, pairs=lambda pairs: _members(pairs, repeated), lax=False)
    except ReadError as error:
        error.byte = None if error.byte is None else 8 + error.byte
        raise
    if not isinstance(members, dict):
        raise ReadError("header is not a JSON object")
    if b"\\u" in data and not all(_is_unicode(name) for name in members):
        raise ReadError("a name in the header has half of a surrogate pair")
    metadata = _metadata(members.pop("__metadata__", None))
    text = "is described twice; readers keep the last description, and nothing shows the first one's bytes"
    twice = [Problem("duplicate-member", f"tensor {quoted(name)} {text}") for name in repeated if name in members]
    return _Header(length, members, metadata, twice)


def _members(pairs: bounded_json.Pairs, repeated: list[str]) -> dict[str, Any]:
    """An object. A tensor may be named twice for the real reader, a field of one and `__metadata__` may not."""
    members = dict(pairs)
    if len(members) != len(pairs):
        again = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]
        field = next((name for name in again if name in _FIELDS or name == "__metadata__"), None)
        if field is not None:
            raise ReadError(f"header has the field `{field}` twice in one object")
        repeated += again
    return members


def _is_unicode(name: str) -> bool:
    """Whether no surrogate stands alone, which Python's JSON lets pass and serde refuses."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _metadata(value: Any) -> dict[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ReadError("`__metadata__` is not a map of texts to texts")
    return value


def _entry(name: str, value: Any) -> _Entry:
    """One tensor; the three fields may also stand in an array, which is how serde reads a struct from a sequence."""
    if isinstance(value, list) and len(value) == 3:
        value = dict(zip(_FIELDS, value, strict=True))
    if not isinstance(value, dict):
        raise ReadError(f"tensor {quoted(name)} is not described by an object")
    missing = [field for field in _FIELDS if field not in value]
    if missing:
        raise ReadError(f"tensor {quoted(name)} has no `{missing[0]}`")
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise ReadError(f"tensor {quoted(name)} has dtype {quoted(str(dtype))}, which safetensors 0.8 does not know")
    if not _are_sizes(shape):
        raise ReadError(f"tensor {quoted(name)} has a shape that is no list of whole numbers")
    if len(shape) > _MAX_DIMENSIONS:
        raise ReadError(
            f"tensor {quoted(name)} has {len(shape):,} dimensions, {_MAX_DIMENSIONS} are the limit", kind="limit"
        )
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise ReadError(f"tensor {quoted(name)} has `data_offsets` that are no pair of whole numbers")
    bits, torch_dtype = _DTYPES[dtype]
    return _Entry(offsets[0], offsets[1], name, bits, torch_dtype, tuple(shape))


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size <= _MAX_USIZE for size in value)


# --------------------------------------------------------------------------- validation


def _problems(entries: list[_Entry], data_bytes: int) -> list[Problem]:
    """What breaks the rule that the tensors cover the data from its first to its last byte, each byte once."""
    found: list[Problem] = []
    reached = 0
    before = ""
    for entry in entries:
        if len(found) > MAX_FAULTS:
            return found
        if entry.end < entry.start:
            found.append(Problem("safetensors-range", f"tensor {quoted(entry.name)} ends before it starts"))
            continue
        if entry.start < reached:
            text = f"tensor {quoted(entry.name)} shares bytes with {quoted(before)}"
            found.append(Problem("safetensors-overlap", text))
        elif entry.start > reached:
            text = f"{entry.start - reached:,} bytes before {quoted(entry.name)} belong to no tensor"
            found.append(Problem("safetensors-hole", text))
        if (misfit := _misfit(entry)) is not None:
            found.append(Problem("safetensors-shape", f"tensor {quoted(entry.name)} {misfit}"))
        if entry.end > reached:
            reached, before = entry.end, entry.name
    if reached > data_bytes:
        found.append(_behind_the_end(entries, data_bytes, reached, orderly=not found))
    elif reached < data_bytes:
        text = f"{data_bytes - reached:,} bytes at the end belong to no tensor"
        found.append(Problem("safetensors-hole", text))
    return found


def _behind_the_end(entries: list[_Entry], data_bytes: int, reached: int, *, orderly: bool) -> Problem:
    """A header without a fault of its own says that the file was cut; a faulty one may say anything."""
    beyond = [entry.name for entry in entries if entry.end > data_bytes]
    text = f"{len(beyond):,} of {len(entries):,} tensors, first {quoted(beyond[0])}, end behind the end of the file"
    return Problem(
        "truncated" if orderly else "safetensors-range", f"{text}: {data_bytes:,} of {reached:,} bytes are there"
    )


def _misfit(entry: _Entry) -> str | None:
    """How shape and dtype disagree with the range. Sizes are 64-bit numbers to the real reader, and may overflow."""
    elements = 1
    for size in entry.shape:
        elements *= size
        if elements > _MAX_USIZE:
            return "has more elements than 64 bits can count"
    bits = elements * entry.bits
    if bits > _MAX_USIZE:
        return "has more bits than 64 bits can count"
    if bits % 8:
        return f"has {elements:,} elements of {entry.bits} bits, which do not end at a byte"
    held = entry.end - entry.start
    return None if held * 8 == bits else f"needs {bits // 8:,} bytes for its shape and dtype, its range holds {held:,}"


def _told(problems: list[Problem]) -> list[Problem]:
    """The first of each kind; the last one told counts the rest."""
    kinds = dict.fromkeys(problem.kind for problem in problems)
    return [kept for kind in kinds for kept in told([problem for problem in problems if problem.kind == kind])]


# --------------------------------------------------------------------------- facts


def _facts(entries: list[_Entry], data_start: int, size: int) -> tuple[tuple[Tensor, ...], tuple[Storage, ...]]:
    """One storage for each tensor: the format has no sharing."""
    tensors = []
    storages = []
    for index, (start, end, name, bits, dtype, shape) in enumerate(entries):
        if bits == 4 and shape:  # torch packs two into one element
            shape = (*shape[:-1], shape[-1] // 2)  # noqa: PLW2901
        numel = 1
        for length in shape:
            numel *= length
        begin = data_start + start
        stored = max(0, min(data_start + end, size) - begin)
        storages.append(Storage(name, "", dtype, numel, max(0, end - start), "cpu", None, stored, 0, begin))
        tensors.append(Tensor(name, dtype, shape, _contiguous(shape), index, 0, "cpu"))
    return tuple(tensors), tuple(storages)


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = [1]
    for size in shape[:0:-1]:
        strides.append(strides[-1] * max(size, 1))
    return tuple(strides[len(shape) - 1 :: -1]) if shape else ()

"""Calls that make tensors and arrays, without making them. `pickle_builders` tells which function is which.

Sources: torch/_utils.py, torch/tensor.py and torch/nn/parameter.py of torch 2.13, and their like back to 0.1.
"""

from math import prod
from typing import Any

from modeldoctor.readers.checkpoint.dtypes import ALIASES, ITEM_BYTES
from modeldoctor.readers.checkpoint.pickle_state import Machine, type_name
from modeldoctor.readers.checkpoint.pickle_values import Array, Dict, Name, Object, StorageRef, TensorValue

# torch keeps sizes in vectors of any length, but no operator takes more dimensions (at::MAX_TENSORIMPL_DIMS is 64).
MAX_DIMENSIONS = 64
FEW_DIMENSIONS = 8
_MAX_SIZE = (1 << 63) - 1


# --------------------------------------------------------------------------- parts of tensors


def sizes(value: Any) -> tuple[int, ...] | None:
    """Sizes or strides, or None when they are no such thing."""
    if type(value) is list:
        value = tuple(value[: MAX_DIMENSIONS + 1])
    if type(value) is not tuple or len(value) > MAX_DIMENSIONS:
        return None
    for size in value:
        if type(size) is not int or not 0 <= size <= _MAX_SIZE:
            return None
    return value


def dtype_of(value: Any) -> str | None:
    """`float32` for the name `torch.float32`."""
    if type(value) is not Name or value.module != "torch":
        return None
    name = ALIASES.get(value.name, value.name)
    return name if name in ITEM_BYTES else None


def device_of(value: Any) -> str:
    """`cuda:1` for `torch.device('cuda', 1)` or for the text itself."""
    if type(value) is str:
        return value[:100]
    if type(value) is Object and type(value.args) is tuple:
        parts = [str(part)[:100] for part in value.args[:2] if type(part) in {str, int}]
        return ":".join(parts) or "?"
    return "?"


def layout_of(value: Any) -> str:
    """`sparse_coo` for `torch.sparse_coo`, by name or as torch.serialization._get_layout makes it."""
    if type(value) is Object and type(value.args) is tuple and value.args:
        value = value.args[0]
    text = value.name if type(value) is Name else value if type(value) is str else "?"
    return str(text).removeprefix("torch.")[:100]


# --------------------------------------------------------------------------- tensors


def _strided(args: tuple[Any, ...], dtype: str | None = None, layout: str = "strided") -> TensorValue | None:
    """Storage, offset, size, stride and, if there, requires_grad."""
    storage, offset, shape, strides = args[:4]
    if type(storage) is not StorageRef or type(offset) is not int:
        return None
    shape, strides = sizes(shape), sizes(strides)
    if shape is None or strides is None or len(shape) != len(strides) or not 0 <= offset <= _MAX_SIZE:
        return None
    if len(shape) > FEW_DIMENSIONS and _overflows(shape):
        return None
    place, own, device, start = storage
    requires_grad = len(args) > 4 and args[4] is True
    facts = (dtype or own, shape, strides, place, start + offset, device, requires_grad, "tensor", layout)
    return tuple.__new__(TensorValue, facts)  # a third of the time that TensorValue() takes


def _overflows(shape: tuple[int, ...]) -> bool:
    """Whether torch refuses to count the elements. Counting those of 64 huge dimensions would take long here too."""
    numel = 1
    for size in shape:
        numel *= size
        if numel > _MAX_SIZE:
            return True
    return False


def tensor(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """torch._utils._rebuild_tensor, of torch before 0.4."""
    return _strided(args) if len(args) == 4 else None


def tensor_v2(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """The tensor of nearly every file: torch._utils._rebuild_tensor_v2."""
    return _strided(args) if 6 <= len(args) <= 7 else None


def tensor_v3(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """torch._utils._rebuild_tensor_v3: an untyped storage and a dtype of its own."""
    dtype = dtype_of(args[6]) if 7 <= len(args) <= 8 else None
    return _strided(args, dtype) if dtype else None


def qtensor(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """torch._utils._rebuild_qtensor."""
    if len(args) != 7:
        return None
    return _strided((*args[:4], args[5]), layout="quantized")


def parameter(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """torch._utils._rebuild_parameter and _rebuild_parameter_with_state."""
    if len(args) not in {3, 4} or type(args[0]) is not TensorValue:
        return None
    return args[0]._replace(requires_grad=args[1] is True, kind="parameter")


def from_type(m: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """A tensor of a subclass, or with attributes: function, type, arguments of the function, state."""
    if len(args) == 4:
        m.event("argument", "torch._tensor _rebuild_from_type_v2", type_name(args[3]))
    if len(args) != 4 or type(args[0]) is not Name or type(args[2]) is not tuple or args[0].build is None:
        return None
    if args[0].build is from_type:  # nothing writes this, and it could go on for ever
        return None
    made = args[0].build(m, args[2])
    if type(made) is not TensorValue:
        return None
    if type(args[1]) is Name and args[1].name == "Parameter":
        return made._replace(kind="parameter")
    if type(args[3]) is Dict and args[3].get("_is_buffer") is True:  # torch.nn.Buffer
        return made._replace(kind="buffer")
    return made


def sparse(m: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """Layout, then indices, values, size; or two kinds of indices, values, size."""
    if len(args) != 2 or type(args[1]) is not tuple:
        return None
    m.event("argument", "torch._utils _rebuild_sparse_tensor", f"{layout_of(args[0])} {len(args[1])}")
    return compressed(m, args)


def compressed(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """The same of torch 1.12 and 1.13 for CSR alone."""
    if len(args) != 2 or type(args[1]) is not tuple:
        return None
    tensors = [part for part in args[1] if type(part) is TensorValue]
    shape = next((size for part in args[1] if type(part) is tuple and (size := sizes(part)) is not None), None)
    if len(tensors) < 2 or shape is None:
        return None
    values = tensors[-1]
    return TensorValue(values.dtype, shape, (), None, 0, values.device, layout=layout_of(args[0]))


def meta(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """torch._utils._rebuild_meta_tensor_no_storage."""
    if len(args) != 4:
        return None
    dtype, shape, strides = dtype_of(args[0]), sizes(args[1]), sizes(args[2])
    if dtype is None or shape is None or strides is None:
        return None
    return TensorValue(dtype, shape, strides, None, 0, "meta", args[3] is True, layout="meta")


def wrapper(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """torch._utils._rebuild_wrapper_subclass: a tensor around others, without a storage of its own."""
    if len(args) != 8:
        return None
    dtype, shape, strides = dtype_of(args[1]), sizes(args[2]), sizes(args[3])
    if dtype is None or shape is None or strides is None:
        return None
    return TensorValue(dtype, shape, strides, None, 0, device_of(args[6]), args[7] is True, layout="wrapper")


def nested(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """The buffer that holds all; the sizes of the pieces are data of another tensor, so not known here."""
    if len(args) != 4 or type(args[0]) is not TensorValue:
        return None
    return args[0]._replace(layout="nested")


def device_tensor(_: Machine, args: tuple[Any, ...]) -> TensorValue | None:
    """A tensor of a device whose storage torch cannot save (XLA…): a CPU tensor or an array, dtype, device."""
    if len(args) != 4:
        return None
    data = args[0].value if type(args[0]) is Object else args[0]
    dtype = dtype_of(args[1])
    if type(data) not in {TensorValue, Array} or dtype is None:
        return None
    strides = tuple(prod(data.shape[place + 1 :]) for place in range(len(data.shape)))
    return TensorValue(dtype, data.shape, strides, None, 0, device_of(args[2]), args[3] is True)


def variable(_: Machine, made: Object) -> None:
    """Parameter and Variable of torch before 0.4: the tensor as argument, requires_grad in the state."""
    if made.args and type(made.args[0]) is TensorValue:
        made.value = made.args[0]._replace(requires_grad=True, kind="parameter")


def layout(m: Machine, made: Object) -> None:
    """A layout by its name; it stays an object."""
    m.event("argument", "torch.serialization _get_layout", layout_of(made))


# --------------------------------------------------------------------------- states


def restore(target: Object, state: Any) -> None:
    """BUILD on what the state makes a tensor or an array."""
    if type(target.cls) is not Name or type(state) is not tuple:
        return
    name = target.cls
    if name.name in {"Parameter", "Variable"} and name.module.startswith("torch"):
        _restore_variable(target, state)
    elif len(state) == 4 and name.quiet and name.module in {"torch", "torch.cuda"}:
        target.value = _strided(state)
    elif len(state) == 5 and name.name == "_reconstruct":  # version, shape, dtype, Fortran order, data
        shape = sizes(state[1])
        target.value = Array(array_dtype(state[2]), shape) if shape is not None else None


def _restore_variable(target: Object, state: tuple[Any, ...]) -> None:
    """Variable.__setstate__ of torch 0.1 to 0.3: 5 items with the data first, or requires_grad first."""
    data, flag = (state[0], state[3]) if len(state) == 5 else (target.value, state[0] if state else None)
    if type(data) is TensorValue:
        target.value = data._replace(requires_grad=flag is True, kind="parameter")


# --------------------------------------------------------------------------- arrays

_ARRAY_KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex"}


def array_dtype(value: Any) -> str:
    """`float32` for `numpy.dtype('f4')`, the code itself for what is no number."""
    code = value.args[0] if type(value) is Object and type(value.args) is tuple and value.args else value
    if type(code) is not str:
        return "?"
    code = code.lstrip("<>=|")[:20]
    if code[:1] in _ARRAY_KINDS and code[1:].isascii() and code[1:].isdigit():
        return f"{_ARRAY_KINDS[code[0]]}{8 * int(code[1:])}"
    return {"b1": "bool", "?": "bool"}.get(code, code)


def numpy_dtype(m: Machine, made: Object) -> None:
    """A dtype by its code; it stays an object."""
    if made.args and type(made.args[0]) is str:
        m.event("argument", "numpy dtype", made.args[0][:20])


def scalar(_: Machine, made: Object) -> None:
    """numpy.core.multiarray.scalar(dtype, bytes)."""
    if made.args:
        made.value = Array(array_dtype(made.args[0]), ())


def from_buffer(_: Machine, made: Object) -> None:
    """numpy._core.numeric._frombuffer(buffer, dtype, shape, order)."""
    shape = sizes(made.args[2]) if len(made.args) == 4 else None
    if shape is not None:
        made.value = Array(array_dtype(made.args[1]), shape)

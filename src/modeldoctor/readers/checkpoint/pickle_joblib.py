"""The arrays that joblib writes between the opcodes of a pickle: described, and stepped over.

joblib/numpy_pickle.py, `NumpyArrayWrapper.read_array`: behind the BUILD of a wrapper come a length, so many bytes of
padding and the bytes of the array, or a pickle of its own when the array holds objects.
"""

from typing import Any

from modeldoctor.readers.checkpoint.pickle_state import MAX_DEPTH, MAX_NESTED, Machine, Stopped
from modeldoctor.readers.checkpoint.pickle_tensors import array_dtype, sizes
from modeldoctor.readers.checkpoint.pickle_values import Array, Name, Object

# numpy/dtypes.h, NPY_ITEM_REFCOUNT: the elements are references to Python objects.
_HOLDS_OBJECTS = 0x01
WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"


def step_over_array(m: Machine) -> None:
    """Go on behind the array when the object on the stack is a wrapper; `m.pos` is behind its BUILD."""
    wrapper = m.stack[-1]
    if type(wrapper) is not Object or type(wrapper.cls) is not Name or str(wrapper.cls) != WRAPPER:
        return
    shape, dtype = sizes(wrapper.state("shape")), wrapper.state("dtype")
    item_bytes = _item_bytes(dtype)
    if shape is None or item_bytes is None:
        raise Stopped("an array of joblib has no shape or dtype: what follows cannot be found")
    wrapper.value = Array(array_dtype(dtype), shape)
    if _holds_objects(dtype):
        _step_over_pickle(m)
        return
    if type(wrapper.state("numpy_array_alignment_bytes")) is int:
        at = m.take(1)  # before `m.data`, which it may renew
        m.step_over(1 + m.data[at])
    for size in shape:
        item_bytes *= size
    if m.base + m.pos + item_bytes > m.source.size:
        raise Stopped(f"an array of {item_bytes:,} bytes reaches behind the end", "truncated")
    m.step_over(item_bytes)


def _step_over_pickle(m: Machine) -> None:
    """numpy.save's way with objects: `pickle.load` from the place that was reached."""
    from modeldoctor.readers.checkpoint.pickle_machine import run

    if m.depth >= MAX_DEPTH or len(m.nested) >= MAX_NESTED:
        raise Stopped("more arrays of objects than are read", "limit")
    start = m.base + m.pos
    found = run(m.source, start, depth=m.depth + 1, opcodes=m.inner_opcodes)
    m.inner_opcodes = max(0, m.inner_opcodes - found.pickle.opcode_count)
    m.nested.append(found.pickle)
    if found.pickle.stopped is not None:
        raise Stopped(f"in an array of objects: {found.pickle.stopped.text}", found.pickle.stopped.kind)
    m.step_over(found.end - start)


def _code(dtype: Any) -> str:
    """`f8` of `numpy.dtype('f8', False, True)`."""
    code = dtype.args[0] if type(dtype) is Object and type(dtype.args) is tuple and dtype.args else None
    return code if type(code) is str else ""


def _item_bytes(dtype: Any) -> int | None:
    code = _code(dtype)
    digits = code[1:]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        return None
    return int(digits) * (4 if code[0] == "U" else 1)  # U counts characters of four bytes


def _holds_objects(dtype: Any) -> bool:
    """Whether the code says so, or the flags at the end of the state do (fields of a structured dtype)."""
    states = dtype.states if type(dtype) is Object else ()
    flags = states[-1][7] if states and type(states[-1]) is tuple and len(states[-1]) > 7 else 0
    return _code(dtype)[:1] == "O" or (type(flags) is int and bool(flags & _HOLDS_OBJECTS))

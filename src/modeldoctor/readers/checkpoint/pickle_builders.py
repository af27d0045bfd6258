"""Functions and classes whose effect is known, so that a call of them has a value without being made."""

from collections.abc import Callable
from typing import Any

from modeldoctor.readers.checkpoint import pickle_tensors as tensors
from modeldoctor.readers.checkpoint.pickle_state import MAX_NESTED, Machine
from modeldoctor.readers.checkpoint.pickle_values import Blob, Dict, Name, Object, Set

# Arguments → the inert value, or None when they are not those that the real function takes.
Builder = Callable[[Machine, tuple[Any, ...]], Any]
# The same for what stays an object of its class: what its arguments mean is added to it.
Finisher = Callable[[Machine, Object], None]


def recognise(name: Name) -> None:
    """Let a name know what its calls make, and whether they need explaining."""
    key = (name.module, name.name)
    name.build = _BUILDERS.get(key)
    name.finish = _FINISHERS.get(key)
    # torch.FloatTensor, torch.cuda.HalfTensor… of torch before 0.4, which pickled themselves.
    legacy = name.module in {"torch", "torch.cuda"} and name.name.endswith("Tensor")
    name.quiet = legacy or key in _HARMLESS or (name.build or name.finish) not in {None, _loads, _load_from_bytes}


# --------------------------------------------------------------------------- plain data


def _size(_: Machine, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return args[0] if len(args) == 1 and type(args[0]) is tuple else None


def _ordered_dict(m: Machine, made: Object) -> None:
    """Python 2 gives the pairs as an argument: a list of lists."""
    given = made.args[0] if made.args and type(made.args[0]) is list else []
    if given:
        m.spend(len(given))
        made.pairs = Dict(each for pair in given if type(pair) in {list, tuple} and len(pair) == 2 for each in pair)


def _counter(m: Machine, made: Object) -> None:
    if made.args and type(made.args[0]) is Dict:
        m.spend(len(made.args[0]))
        made.pairs = Dict(made.args[0])


def _set(_: Machine, args: tuple[Any, ...]) -> Set | None:
    if not args:
        return Set([])
    return Set(args[0]) if len(args) == 1 and type(args[0]) in {list, tuple} else None


def _frozenset(_: Machine, args: tuple[Any, ...]) -> Set | None:
    made = _set(_, args)
    return made and Set(made.items, frozen=True)


def _complex(_: Machine, args: tuple[Any, ...]) -> complex | None:
    return complex(*args) if 1 <= len(args) <= 2 and all(type(part) is float for part in args) else None


def _bytes(m: Machine, args: tuple[Any, ...]) -> Any:
    """Bytes and bytearray: of nothing, of bytes, of a text in Latin-1."""
    if not args:
        return b""
    if type(args[0]) is str and len(args) == 2:
        return _encode(m, args)
    return args[0] if len(args) == 1 and type(args[0]) in {bytes, Blob} else None


def _encode(m: Machine, args: tuple[Any, ...]) -> Any:
    """_codecs.encode(text, 'latin1'): bytes in protocols 0 to 2."""
    if len(args) != 2 or type(args[1]) is not str or args[1] not in {"latin1", "latin-1"}:
        return None
    text = args[0]
    if type(text) is Blob and type(text.head) is str:
        head = text.head.encode("latin-1", "replace")
        m.suspect(head, len(head))
        return Blob(head, text.size_bytes, text.offset)
    if type(text) is not str:
        return None
    made = m.encoded.get(id(text))
    if made is None:
        try:
            made = (text, text.encode("latin-1"))
        except UnicodeEncodeError:
            return None
        m.encoded[id(text)] = made  # with the text, so that its id stays its own
        m.suspect(made[1], len(made[1]))
    return made[1]


def _reconstructor(m: Machine, args: tuple[Any, ...]) -> Any:
    """copyreg._reconstructor(class, base, state): an instance, in protocols 0 and 1."""
    from modeldoctor.readers.checkpoint.pickle_calls import instantiate

    if len(args) != 3:
        return None
    return instantiate(m, args[0], args[2:] if args[2] is not None else (), inner=True)


def _new(m: Machine, args: tuple[Any, ...]) -> Any:
    """copyreg.__newobj__(class, *arguments)."""
    from modeldoctor.readers.checkpoint.pickle_calls import instantiate

    if not args:
        return None
    m.spend(len(args))
    return instantiate(m, args[0], args[1:], inner=True)


def _load_from_bytes(m: Machine, args: tuple[Any, ...]) -> Any:
    """A storage outside of torch.save: torch.load of the bytes that torch.save made of it."""
    from modeldoctor.readers.checkpoint.pickle_nested import storage_in

    return storage_in(m, args[0]) if len(args) == 1 and type(args[0]) in {bytes, Blob} else None


def _loads(m: Machine, args: tuple[Any, ...]) -> None:
    """What unpickles its argument, whatever that begins with."""
    if args and type(args[0]) is bytes and args[0][:1] != b"\x80" and len(m.suspects) < MAX_NESTED:
        m.suspects.append((0, len(args[0]), args[0]))


# Known functions and classes, by module and name.
_BUILDERS: dict[tuple[str, str], Builder] = {
    ("builtins", "set"): _set,
    ("builtins", "frozenset"): _frozenset,
    ("builtins", "bytes"): _bytes,
    ("builtins", "bytearray"): _bytes,
    ("builtins", "complex"): _complex,
    ("_codecs", "encode"): _encode,
    ("copyreg", "_reconstructor"): _reconstructor,
    ("copyreg", "__newobj__"): _new,
    ("torch", "Size"): _size,
    ("torch._utils", "_rebuild_tensor"): tensors.tensor,
    ("torch._utils", "_rebuild_tensor_v2"): tensors.tensor_v2,
    ("torch._utils", "_rebuild_tensor_v3"): tensors.tensor_v3,
    ("torch._utils", "_rebuild_parameter"): tensors.parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): tensors.parameter,
    ("torch._utils", "_rebuild_qtensor"): tensors.qtensor,
    ("torch._utils", "_rebuild_sparse_tensor"): tensors.sparse,
    ("torch._utils", "_rebuild_sparse_csr_tensor"): tensors.compressed,
    ("torch._utils", "_rebuild_meta_tensor_no_storage"): tensors.meta,
    ("torch._utils", "_rebuild_wrapper_subclass"): tensors.wrapper,
    ("torch._utils", "_rebuild_nested_tensor"): tensors.nested,
    ("torch._utils", "_rebuild_device_tensor_from_numpy"): tensors.device_tensor,
    ("torch._utils", "_rebuild_device_tensor_from_cpu_tensor"): tensors.device_tensor,
    ("torch._utils", "_rebuild_xla_tensor"): tensors.device_tensor,
    ("torch._tensor", "_rebuild_from_type"): tensors.from_type,
    ("torch._tensor", "_rebuild_from_type_v2"): tensors.from_type,
    ("torch.tensor", "_rebuild_from_type"): tensors.from_type,
    ("torch.storage", "_load_from_bytes"): _load_from_bytes,
    **dict.fromkeys(
        ((module, "loads") for module in ("pickle", "_pickle", "dill", "dill._dill", "cloudpickle")), _loads
    ),
}
_FINISHERS: dict[tuple[str, str], Finisher] = {
    ("collections", "OrderedDict"): _ordered_dict,
    ("collections", "Counter"): _counter,
    ("torch.nn.parameter", "Parameter"): tensors.variable,
    ("torch.autograd.variable", "Variable"): tensors.variable,
    ("torch.serialization", "_get_layout"): tensors.layout,
    ("numpy", "dtype"): tensors.numpy_dtype,
    ("numpy.core.multiarray", "scalar"): tensors.scalar,
    ("numpy._core.multiarray", "scalar"): tensors.scalar,
    ("numpy.core.numeric", "_frombuffer"): tensors.from_buffer,
    ("numpy._core.numeric", "_frombuffer"): tensors.from_buffer,
}
# Their arguments say all there is to say.
_HARMLESS = {
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("builtins", "slice"),
    ("builtins", "range"),
    ("datetime", "datetime"),
    ("torch", "device"),
    ("torch.serialization", "_get_layout"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}

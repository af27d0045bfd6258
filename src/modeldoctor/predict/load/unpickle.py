"""Where Python's own unpickler stops in a row of steps (`full`), and where torch's restricted one does (`restricted`).

Both go through the opcodes in order, so the first step that one of them does not take decides the error. Sources:
CPython Modules/_pickle.c; torch/serialization.py `_load` and `_legacy_load`; torch/_weights_only_unpickler.py.
"""

from collections.abc import Callable
from typing import NamedTuple

from modeldoctor.predict.load.calls import arguments_fail, bytecode_fails, signature_fails
from modeldoctor.predict.load.devices import misplaced
from modeldoctor.predict.load.failures import UNPICKLING, Failure, refusal, unknown, wrapped
from modeldoctor.predict.load.releases import Column, Key
from modeldoctor.predict.load.resolve import is_custom, no_custom, resolve
from modeldoctor.predict.load.steps import File, Row, Step

# Classes whose instances the restricted loader gave state in every release.
_BUILT = frozenset({"torch Tensor", "torch.nn.parameter Parameter", "collections OrderedDict"})
# After so many names that the tables do not have, it stays unknown: hostile files hold thousands.
_MOST_DOUBTS = 100
_DICTS = frozenset({"collections OrderedDict", "collections Counter"})


class Host(NamedTuple):
    """Where and how the file is loaded. `cpu` is map_location="cpu", `mapped` is mmap=True.

    `gpus` counts CUDA devices; there is no other accelerator.
    """

    column: Column
    python: Key
    numpy: Key
    importable: bool
    cpu: bool = False
    mapped: bool = False
    gpus: int = 0


def full(file: File, row: Row, host: Host) -> Failure | None:
    """The first step that fails when nothing is restricted; None when the row ends with its object."""
    return _first(row, lambda step: _full_step(file, row, host, step))


def restricted(file: File, row: Row, host: Host) -> Failure | None:
    """The first step that the restricted loader of the release does not take."""
    failure = _first(row, lambda step: _restricted_step(file, row, host, step))
    return failure if failure is None or failure.kind.startswith("wo_") else wrapped(host.column, failure)


def _first(row: Row, judge: Callable[[Step], Failure | None]) -> Failure | None:
    """The first step that fails; one that nobody can tell about when none does for certain."""
    doubts: list[Failure] = []
    for step in row.steps:
        failure = judge(step)
        if failure is None:
            continue
        if failure.position is None:
            failure = failure._replace(position=step[0])
        if failure.kind != "unknown":
            return failure
        doubts.append(failure)
        if len(doubts) == _MOST_DOUBTS:
            break
    return doubts[0] if doubts else None


def _full_step(file: File, row: Row, host: Host, step: Step) -> Failure | None:
    _, kind, name, detail = step
    match kind:
        case "global":
            return _resolved(file, host, name)
        case "opcode":
            return _opcode(host, name, detail)
        case "call":
            failure = signature_fails(host.column, name, detail) or bytecode_fails(host.python, name, detail)
            return failure or _unread(file, host.column, name)
        case "argument":
            return arguments_fail(host.column, name, str(detail))
        case "storage":
            return _read(file, host, int(detail or 0))
        case "persistent":
            return _persistent(file, row, host, name, detail)
        case "generator":
            return _generator(host.numpy, name)
        case "stop":
            return _stopped(name, str(detail))
        case _:
            return None


def _restricted_step(file: File, row: Row, host: Host, step: Step) -> Failure | None:
    position, kind, name, detail = step
    column = host.column
    match kind:
        case "global":
            return _allowed(column, name, position)
        case "opcode":
            return None if name in column.opcodes else _no_opcode(column, name, position)
        case "call":
            return _called(column, name, detail, position) or _unread(file, column, name)
        case "argument":
            return arguments_fail(column, name, str(detail))
        case "storage":
            return _read(file, host, int(detail or 0))
        case "new":
            return _made(column, name, position)
        case "build":
            return _built(column, name, position)
        case "fill":
            return _filled(column, name, str(detail), position)
        case "persistent":
            return _restricted_persistent(file, row, host, name, detail, position)
        case "stop":
            return _restricted_stop(column, name, str(detail), position)
        case _:
            return None


# --------------------------------------------------------------------------- names


def _resolved(file: File, host: Host, name: str) -> Failure | None:
    module, _, attribute = name.partition(" ")
    if module == "torch.tensor" and file.kind == "zip" and "moved_tensor_module" in host.column.does:
        module = "torch._tensor"
    if is_custom(module):
        # TorchScript's own modules exist in its archive only (torch 1.4 looks for them all the same).
        return None if host.importable and not module.startswith("__torch__") else no_custom(module)
    return resolve(host.column, host.python, host.numpy, module, attribute)


def _allowed(column: Column, name: str, position: int) -> Failure | None:
    module, _, attribute = name.partition(" ")
    path = f"{module}.{attribute}"
    if module in column.blocked:
        text = f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked."
        return refusal(column, "wo_blocked_module", text, path, position)
    if path in column.allowed:
        return None
    if "warns_of_protocol" not in column.does:  # the texts came with add_safe_globals
        return refusal(column, "wo_unsupported_global", f"Unsupported class {path}", path, position)
    path = path.removeprefix("builtins.") if "creates_allowed_classes" in column.does else path
    text = (
        f"WeightsUnpickler error: Unsupported global: GLOBAL {path} was not an allowed global by default. Please use "
        f"`torch.serialization.add_safe_globals([{path}])` to allowlist this global if you trust this class/function."
    )
    return Failure(
        "wo_unsupported_global", UNPICKLING, f"Weights only load failed. {text}", f"{module}.{attribute}", position
    )


# --------------------------------------------------------------------------- storages


def _read(file: File, host: Host, place: int) -> Failure | None:
    """A storage at its first mention: its class, its record, its place. In the legacy format the bytes come later."""
    storage = file.storages[place]
    column = host.column
    if file.kind != "zip":
        if storage.class_name.endswith(".UntypedStorage"):
            text = "type object 'torch.storage.UntypedStorage' has no attribute 'dtype'"
            return Failure("attribute_missing_in_module", "AttributeError", text, "torch.storage.UntypedStorage")
    else:
        record = storage.record
        in_tensors = record is not None and record.endswith(f"/tensors/{storage.key}")
        if record is None or in_tensors != ("reads_tensors_folder" in column.does):
            if "reads_tensors_folder" in column.does:  # measured: the process ends with SIGABRT
                return Failure("process_crash", "", "the process is aborted", f"tensors/{storage.key}")
            return missing(f"data/{storage.key}")
        checks = "checks_record_size" in column.does and not host.mapped
        if checks and storage.stored_bytes not in {None, storage.size_bytes}:
            text = (
                f"record size ({storage.stored_bytes} bytes) does not match expected size ({storage.size_bytes} bytes)"
            )
            return Failure("zip_record_size_mismatch", "RuntimeError", text, record)
    return None if host.cpu else misplaced(column, storage.device, storage.class_name, host.gpus)


def _unread(file: File, column: Column, name: str) -> Failure | None:
    """Tensors made of tensors whose bytes the legacy format has not read yet: what is in that memory decides."""
    if file.kind != "stream":
        return None
    if name == "torch._utils _rebuild_nested_tensor":
        return unknown("what sizes the nested tensor gets: in the legacy format they are read after it is made")
    if name == "torch._utils _rebuild_sparse_tensor" and "checks_sparse_at_once" in column.does:
        text = "size is inconsistent with indices"
        return Failure("other", "RuntimeError", text, "a sparse tensor in the legacy format")
    return None


def missing(record: str) -> Failure:
    """A record that is not in the archive."""
    text = f"PytorchStreamReader failed locating file {record}: file not found"
    return Failure("zip_missing_entry", "RuntimeError", text, record)


# --------------------------------------------------------------------------- opcodes and ends


def _opcode(host: Host, name: str, detail: str | int | None) -> Failure | None:
    """Protocol 5 needs Python 3.8; out-of-band buffers need an argument that torch.load does not pass."""
    if name == "PROTO" and type(detail) is int and detail > (5 if host.python >= (3, 8) else 4):
        text = f"unsupported pickle protocol: {detail}"
        return Failure("pickle_protocol_unsupported", "ValueError", text, str(detail))
    if name in {"NEXT_BUFFER", "READONLY_BUFFER"}:
        return _no_pickle("pickle stream refers to out-of-band data but no *buffers* argument was given", name)
    return None


def _no_pickle(text: str, subject: str = "") -> Failure:
    return Failure("not_a_pickle", UNPICKLING, text, subject)


def _stopped(name: str, cause: str) -> Failure:
    if cause == "opcode":
        byte = int(name, 16)
        shown = chr(byte) if 0x20 < byte < 0x7F else f"\\x{byte:02x}"
        return _no_pickle(f"invalid load key, '{shown}'.", name)
    if cause == "end":
        return Failure("empty_or_cut_pickle", "EOFError", "Ran out of input")
    if cause.startswith("cut"):
        return _no_pickle("pickle data was truncated", name)
    if cause == "stack":
        return _no_pickle("unpickling stack underflow", name)
    if cause == "memo":
        return _no_pickle("Memo value not found", name)
    if cause == "value":
        return Failure("not_a_pickle", "UnicodeDecodeError", "a text in the pickle cannot be decoded", name)
    return unknown("what the loader meets behind the part that was read")


# How the restricted loader meets an operand that is cut: `struct.unpack` and `readline`, or a read that gives less.
_UNPACKED = frozenset({"BININT", "BININT2", "BINFLOAT", "LONG_BINGET", "LONG_BINPUT", "BINUNICODE"})


def _restricted_stop(column: Column, name: str, cause: str, position: int) -> Failure:
    if cause == "opcode":
        code = int(name, 16)
        return refusal(column, "wo_unsupported_opcode", f"Unsupported operand {code}", name, position)
    if cause == "cut" and name == "GLOBAL":
        return refusal(column, "wo_unsupported_global", "Unsupported class, whose name is cut", name, position)
    if cause == "cut" and name in _UNPACKED:
        size = {"BININT2": 2, "BINFLOAT": 8}.get(name, 4)
        return Failure("legacy_truncated", "struct.error", f"unpack requires a buffer of {size} bytes", name)
    if cause == "cut":
        return Failure("not_a_pickle", "IndexError", "index out of range", name)
    if cause in {"end", "cut data"}:
        return Failure("empty_or_cut_pickle", "EOFError", "")
    if cause == "cut value":
        cause = "value"
    if cause in {"stack", "memo"}:
        exception = "IndexError" if cause == "stack" else "KeyError"
        return Failure("not_a_pickle", exception, "an opcode finds nothing to work on", name)
    return _stopped(name, cause)


def _no_opcode(column: Column, name: str, position: int) -> Failure:
    """An opcode that the restricted loader does not know. It names the byte only."""
    import pickletools

    code = next((ord(each.code) for each in pickletools.opcodes if each.name == name), 0)
    return refusal(column, "wo_unsupported_opcode", f"Unsupported operand {code}", name, position)


# --------------------------------------------------------------------------- persistent ids


def _persistent(file: File, row: Row, host: Host, name: str, detail: str | int | None) -> Failure | None:
    if name == "storage":
        return None
    if row.role != "object" or (file.kind == "stream" and file.checkpoint.format != "torch-legacy"):
        text = "A load persistent id instruction was encountered, but no persistent_load function was specified."
        return _no_pickle(text)
    if name in {"text", "integer"}:
        kind = "str" if name == "text" else "int"
        text = f"saved_id must be a tuple, got {kind}" if host.column.key >= (2, 11) else ""
        return Failure("protocol0_persistent_id", "AssertionError", text)
    if detail == "module" and file.kind == "stream":
        return None
    if detail == "storage":
        return unknown("how torch reads a storage of this form")
    if file.kind == "zip":
        text = f"Unknown typename for persistent_load, expected 'storage' but got '{detail}'"
        return Failure("other", "AssertionError", text, str(detail))
    return Failure("other", "RuntimeError", f"Unknown saved id type: {detail}", str(detail))


def _restricted_persistent(
    file: File, row: Row, host: Host, name: str, detail: str | int | None, position: int
) -> Failure | None:
    if name == "storage":
        return None
    if row.role != "object":
        return Failure("not_a_pickle", UNPICKLING, "Weights only load failed. unsupported persistent id encountered")
    if name == "other" and detail != "storage":
        text = f"Only persistent_load of storage is allowed, but got {detail}"
        return refusal(host.column, "wo_unsupported_persistent_id", text, str(detail), position)
    if name == "text":
        text = "persistent_load id must be tuple or int, but got <class 'str'>"
        return refusal(host.column, "wo_unsupported_persistent_id", text, "str", position)
    return _persistent(file, row, host, name, detail)


# --------------------------------------------------------------------------- what the restricted loader builds


def _may(column: Column, name: str) -> bool:
    return "creates_allowed_classes" in column.does and name.replace(" ", ".", 1) in column.allowed


def _called(column: Column, name: str, detail: str | int | None, position: int) -> Failure | None:
    if name == "?":
        text = "Trying to call reduce for unrecognized function"
        return refusal(column, "wo_unsupported_call", text, "a computed function", position)
    return signature_fails(column, name, detail)


def _made(column: Column, name: str, position: int) -> Failure | None:
    if name == "torch.nn.parameter Parameter" or _may(column, name):
        return None
    path = name.replace(" ", ".", 1)
    new = "creates_allowed_classes" in column.does
    text = "Can only create new object for nn.Parameter or classes allowlisted via `add_safe_globals` but got"
    text = text if new else "Trying to instantiate unsupported class"
    return refusal(column, "wo_unsupported_instance", f"{text} <class '{path}'>", path, position)


def _built(column: Column, name: str, position: int) -> Failure | None:
    if name in _BUILT or _may(column, name):
        return None
    path = name.replace(" ", ".", 1)
    text = f"Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got {path}"
    return refusal(column, "wo_unsupported_build", text, path, position)


def _filled(column: Column, name: str, opcode: str, position: int) -> Failure | None:
    if opcode.startswith("APPEND"):
        verb = "append to" if opcode == "APPEND" else "extend"
        return refusal(column, "wo_unsupported_fill", f"Can only {verb} lists, but got {name}", name, position)
    if opcode.startswith("SETITEM") and "checks_set_item" in column.does and name not in _DICTS:
        text = f"Can only {opcode} for dict, collections.OrderedDict, collections.Counter, but got {name}"
        return refusal(column, "wo_unsupported_fill", text, name, position)
    return None


def _generator(numpy: Key, name: str) -> Failure | None:
    """NumPy 2 pickles generators with the class of their bit generator, which NumPy 1 does not take."""
    if numpy >= (2, 0):
        return None
    text = f"<class '{name}'> is not a known BitGenerator module."
    return Failure("other", "ValueError", text, name)

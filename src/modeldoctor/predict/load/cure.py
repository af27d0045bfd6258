"""What lets the restricted loader take a file that it refuses, and whether that works: tried on the same steps."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.predict.globals import Use, judge
from modeldoctor.predict.load.failures import Failure
from modeldoctor.predict.load.releases import Column
from modeldoctor.predict.load.steps import File
from modeldoctor.predict.load.unpickle import Host, restricted
from modeldoctor.wording import quoted

# numpy/dtypes.py: the class of a dtype, which the restricted loader sees when it gives the dtype its state.
_DTYPES = {
    "f8": "Float64DType",
    "f4": "Float32DType",
    "f2": "Float16DType",
    "i8": "Int64DType",
    "i4": "Int32DType",
    "i2": "Int16DType",
    "i1": "Int8DType",
    "u8": "UInt64DType",
    "u4": "UInt32DType",
    "u2": "UInt16DType",
    "u1": "UInt8DType",
    "b1": "BoolDType",
    "c8": "Complex64DType",
    "c16": "Complex128DType",
    "S": "BytesDType",
    "U": "StrDType",
    "O8": "ObjectDType",
    "M8": "DateTime64DType",
    "m8": "TimeDelta64DType",
    "V": "VoidDType",
}
# What NumPy's functions make: the class that is given state afterwards (numpy/random/_pickle.py).
_MADE = {
    "numpy.random._pickle.__randomstate_ctor": "numpy.random.mtrand.RandomState",
    "numpy.random._pickle.__generator_ctor": "numpy.random._generator.Generator",
}
# Judgements under which allowing a name gives up what the restricted loader protects against.
_OPEN_DOORS = frozenset({"dangerous", "code", "resolver", "unclear"})


class Cure(NamedTuple):
    """`names` are what `safe_globals` must be given. `why_not` says why that does not help; None when it does."""

    names: tuple[str, ...]
    why_not: str | None = None


def cure(file: File, host: Host) -> Cure | None:
    """What to allow so that the restricted loader takes the file; None when it needs nothing."""
    column = host.column
    if not file.rows or "restricted_loader" not in column.does:
        return None
    names = _wanted(file, column)
    first = _first(file, host)
    if first is None:
        return None
    if "warns_of_protocol" not in column.does:  # came with add_safe_globals, in 2.4
        return Cure(names, f"torch {column.release} has no add_safe_globals")
    if door := _door(file.checkpoint, _OPEN_DOORS):
        return Cure(names, f"{door}: allowing that gives the protection up")
    if odd := [name for name in names if not all(part.isidentifier() for part in name.split("."))]:
        return Cure(names, f"{quoted(odd[0])} is no name that code could import")
    does = column.does | {"creates_allowed_classes"}
    allowing = column._replace(allowed=column.allowed | set(names), does=does)
    left = _first(file, host._replace(column=allowing))
    return Cure(names, None if left is None else f"then {_says(left)}")


def danger(checkpoint: Checkpoint) -> str:
    """What the file does when it is loaded without restrictions, if that is known to be harmful; else nothing."""
    return _door(checkpoint, {"dangerous"})


def _door(checkpoint: Checkpoint, kinds: Collection[str]) -> str:
    for item in (item for pickle in checkpoint.pickles for item in pickle.globals):
        uses: tuple[Use, ...] = ("called", "instantiated", "named")
        for judged in [judge(item.module, item.name, use) for use in uses if use in item.uses]:
            if judged.kind in kinds:
                return f"the file uses {quoted(str(item))}" + (f", which {judged.words}" if judged.words else "")
    return ""


def _first(file: File, host: Host) -> Failure | None:
    for row in file.rows:
        failure = restricted(file, row, host)
        if failure:
            return failure
    return None


def _says(failure: Failure) -> str:
    if failure.kind == "wo_unsupported_opcode":
        return f"the opcode {quoted(failure.subject)} is refused all the same"
    return f"{failure.exception.rpartition('.')[2]}: {failure.message[:120]}"


def _wanted(file: File, column: Column) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for row in file.rows:
        for _, kind, name, detail in row.steps:
            path = name.replace(" ", ".", 1)
            if kind == "global" and path not in column.allowed:
                names[path] = None
                if path in _MADE:
                    names[_MADE[path]] = None
            elif kind == "argument" and name == "numpy dtype":
                names[f"numpy.dtypes.{_dtype(str(detail))}"] = None
    return tuple(names)


def _dtype(code: str) -> str:
    code = code.lstrip("<>=|")
    return _DTYPES.get(code) or _DTYPES.get(code[:1], "Float64DType")


# --------------------------------------------------------------------------- the lines to paste


def snippet(names: Sequence[str], path: str, *, since: tuple[int, int] = (2, 6)) -> str:
    """The Python lines that load the file with these names allowed; `add_safe_globals` where that is all there is."""
    imports, listed = _imports(names)
    allowed = ", ".join(listed)
    load = f"torch.load({path!r}, weights_only=True)"
    if since < (2, 5):
        uses = [f"torch.serialization.add_safe_globals([{allowed}])", load]
    else:
        uses = [f"with torch.serialization.safe_globals([{allowed}]):", f"    {load}"]
    return "\n".join(["import torch", *imports, "", *uses])


def resave(checkpoint: Checkpoint) -> str:
    """The lines that turn the file into one that every release loads; nothing when that takes more than saving again.

    They run what the file holds, once, where its classes are.
    """
    contents, key = checkpoint.anatomy.contents, checkpoint.anatomy.weights_key
    keys = "".join(f"[{part!r}]" for part in (key or "").split(".") if part)
    if contents not in {"module", "state_dict", "tensor", "tensors"} and not keys:
        return ""
    stem, dot, suffix = checkpoint.path.rpartition(".")
    saved = f"{stem}-weights.{suffix}" if dot and "/" not in suffix else f"{checkpoint.path}-weights"
    lines = ["import torch", ""]
    lines.append(f'weights = torch.load({checkpoint.path!r}, map_location="cpu", weights_only=False){keys}')
    if contents == "module" or keys:
        lines += ["if isinstance(weights, torch.nn.Module):", "    weights = weights.state_dict()"]
    return "\n".join([*lines, f"torch.save(weights, {saved!r})"])


def _imports(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Import lines, and an expression for each name. `from` imports find what a package deletes from itself."""
    lines: list[str] = []
    expressions: list[str] = []
    taken: set[str] = {"torch"}
    for name in names:
        module, _, attribute = name.rpartition(".")
        if module == "builtins":
            expressions.append(_builtin(attribute))
            continue
        alias = attribute
        while alias in taken:
            alias += "_"
        taken.add(alias)
        lines.append(f"from {module} import {attribute}" + (f" as {alias}" if alias != attribute else ""))
        # NumPy 2 and torch's C++ functions say another module of themselves than pickles do.
        renamed = name.startswith(("numpy.core.", "torch._C."))
        expressions.append(f'({alias}, "{name}")' if renamed else alias)
    return lines, expressions


def _builtin(name: str) -> str:
    """The object; with the name that the file gives it where the object itself says none, or another."""
    if name in {"Ellipsis", "NotImplemented"}:
        return f'({name}, "builtins.{name}")'
    # Protocol 2 writes exceptions as Python 2 had them, and torch/_utils.py, NAME_MAPPING, does not know those.
    return f'({name}, "exceptions.{name}")' if name.endswith(("Error", "Exception", "Warning")) else name

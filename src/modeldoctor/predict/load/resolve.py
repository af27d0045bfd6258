"""Where a name that a pickle refers to resolves: in torch by release, in NumPy and the standard library by theirs."""

import sys
from functools import cache

from modeldoctor.predict.load.failures import Failure, unknown
from modeldoctor.predict.load.releases import Column, Key, within
from modeldoctor.tables import table

# torch/storage.py, _dtype_to_storage_type_map: since 1.11 these names stand for dtypes, in whatever module.
_STORAGES = frozenset(
    f"{name}Storage"
    for name in (
        *["Double", "Float", "Half", "Long", "Int", "Short", "Char", "Byte", "Bool", "BFloat16"],
        *["ComplexDouble", "ComplexFloat", "QInt8", "QInt32", "QUInt8", "QUInt4x2", "QUInt2x4"],
    )
)
# Modules of the standard library that some supported Python lacks: span of Python versions that have them.
_MOVED_MODULES = {
    "pathlib._local": "3.13",  # Lib/pathlib/_local.py; 3.14 keeps it so that files of 3.13 load
    "zoneinfo": "3.9",
    "zoneinfo._zoneinfo": "3.9",
    "graphlib": "3.9",
    "tomllib": "3.11",
    "distutils": "-3.11",
    "asynchat": "-3.11",
    "asyncore": "-3.11",
    "imp": "-3.11",
    "cgi": "-3.12",
    "pipes": "-3.12",
    "formatter": "-3.9",
    "parser": "-3.9",
    "symbol": "-3.9",
    "_bootlocale": "-3.9",
}
# Names that came or went in modules that stay.
_MOVED_NAMES = {
    "collections.Mapping": "-3.9",
    "collections.MutableMapping": "-3.9",
    "collections.Sequence": "-3.9",
    "collections.Callable": "-3.9",
    "collections.Iterable": "-3.9",
    "collections.Hashable": "-3.9",
    "types.SimpleNamespace": "",
    "types.UnionType": "3.10",
    "types.NoneType": "3.10",
    "types.GenericAlias": "3.9",
    "enum.StrEnum": "3.11",
    "enum.ReprEnum": "3.11",
    "dataclasses.KW_ONLY": "3.10",
}
# dill refers to the namespace of `__main__` by these.
_OF_EVERY_MODULE = frozenset(
    {"__dict__", "__name__", "__doc__", "__builtins__", "__loader__", "__spec__", "__package__"}
)
_BUILTINS_SINCE = {"ExceptionGroup": "3.11", "BaseExceptionGroup": "3.11", "EncodingWarning": "3.10", "aiter": "3.10"}


def resolve(column: Column, python: Key, numpy: Key, module: str, name: str) -> Failure | None:
    """None when `getattr` of the imported module finds the name; why not otherwise. Custom code is not judged here."""
    if "Storage" in name and name in _STORAGES and "storage_types" in column.does:
        return None
    top = module.partition(".")[0]
    if top == "torch":
        return _in_torch(column, module, name)
    if top == "numpy":
        return _in_numpy(numpy, module, name)
    if module == "__main__":
        return None if name in _OF_EVERY_MODULE else _no_attribute(module, name)
    if module == "builtins":
        span = _BUILTINS_SINCE.get(name, "" if name in _builtins() else "none")
        return None if span != "none" and within(span, python) else _no_attribute(module, name)
    if not within(_MOVED_MODULES.get(module, ""), python):
        return _no_module(module, top)
    if not within(_MOVED_NAMES.get(f"{module}.{name}", ""), python):
        return _no_attribute(module, name)
    return None


def is_custom(module: str) -> bool:
    """Whether the module belongs to neither torch, NumPy nor the standard library: somebody must have installed it."""
    top = module.partition(".")[0]
    return top not in {"torch", "numpy", "__main__"} and top not in _standard() and module not in _MOVED_MODULES


@cache
def _standard() -> frozenset[str]:
    return sys.stdlib_module_names | {"builtins", "_codecs"}


@cache
def _builtins() -> frozenset[str]:
    import builtins

    return frozenset(dir(builtins))


# --------------------------------------------------------------------------- torch


def _in_torch(column: Column, module: str, name: str) -> Failure | None:
    measured = table("torch_loading")["names"].get(f"{module}.{name}")
    if measured is not None:
        found = measured != "never" and within(measured, column.key)
        return None if found else _missing(column, module, name)
    head, _, rest = name.partition(".")
    if head == "torch" and rest:  # protocol 4 writes `torch._utils`, `torch.channels_last`
        return _in_torch(column, "torch", rest)
    found = _read(column, module, head)
    if found is None:
        return unknown(f"whether torch {column.release} has `{module}.{name}`")
    return None if found else _missing(column, module, name)


def _missing(column: Column, module: str, name: str) -> Failure:
    """A name that is not there: the module may be missing too."""
    parts = module.split(".")
    for place in range(2, len(parts) + 1):
        parent = ".".join(parts[:place])
        if _has_module(column, parent) is False:
            return _no_module(parent, parent.partition(".")[0])
    return _no_attribute(module, name)


def _read(column: Column, module: str, name: str) -> bool | None:
    """Whether the sources of that release have the name; None when no release was read that tells."""
    data = table("torch_names")
    present = _has_module(column, module)
    if present is False:
        return False
    span = _spans(module).get(name)
    if span is None:
        return None
    # What is written in C++ is read from stubs, which leave things out: absence there proves nothing.
    if module in {"torch", "torch._C"}:
        return True if within(span, column.key) else None
    return _told(data["read"], span, column.key)


def _has_module(column: Column, module: str) -> bool | None:
    data = table("torch_names")
    span = data["modules"].get(module)
    return None if span is None else _told(data["read"], span, column.key)


def _told(read: list[str], span: str, key: Key) -> bool | None:
    """Whether the span covers the release; None when it lies between a release that has it and one that has not."""
    if within(span, key):
        return True
    first = span.partition("-")[0]
    if first in read and read.index(first) and not within(first, key):
        return None if not within(f"-{read[read.index(first) - 1]}", key) else False
    return False


@cache
def _spans(module: str) -> dict[str, str]:
    text = table("torch_names")["names"].get(module, "")
    return {name: span for name, _, span in [each.partition("@") for each in text.split()]}


# --------------------------------------------------------------------------- NumPy


def _in_numpy(numpy: Key, module: str, name: str) -> Failure | None:
    """NumPy 2 renamed `numpy.core` to `numpy._core`; 1.26 forwards the new name, 2.x the old one."""
    del name
    if module.startswith("numpy._core") and numpy < (1, 26):
        return _no_module("numpy._core", "numpy")
    return None


# --------------------------------------------------------------------------- errors


def _no_module(module: str, top: str) -> Failure:
    tail = f"; '{top}' is not a package" if module == "pathlib._local" else ""
    return Failure("module_missing", "ModuleNotFoundError", f"No module named '{module}'{tail}", module)


def _no_attribute(module: str, name: str) -> Failure:
    text = f"Can't get attribute '{name}' on <module '{module}'>"
    return Failure("attribute_missing_in_module", "AttributeError", text, f"{module}.{name}")


def no_custom(module: str) -> Failure:
    """Custom code that is not installed."""
    top = module.partition(".")[0]
    return Failure("module_missing", "ModuleNotFoundError", f"No module named '{top}'", module)

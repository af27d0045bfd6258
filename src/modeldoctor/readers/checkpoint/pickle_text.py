"""Values of a pickle as short text that a person can read: nothing in it is evaluated, and control characters show."""

from typing import Any

from modeldoctor.readers.checkpoint.pickle_values import Array, Blob, Dict, Name, Object, Set, StorageRef, TensorValue

_MOST_ITEMS = 5
_MOST_LEVELS = 3
_MOST_TEXT = 80
_MOST_WHOLE = 400


def show(value: Any, levels: int = _MOST_LEVELS) -> str:
    """Python-like text of a value, cut where it gets long or deep: `os.system('id')`."""
    kind = type(value)
    if kind is str or kind is bytes:
        text = repr(value[:_MOST_TEXT])
        return text if len(value) <= _MOST_TEXT else f"{text[:-1]}…{text[-1]}"
    if kind is Blob:
        return f"{show(value.head)} ({value.size_bytes:,} bytes)"
    if kind is Name:
        return clip(printable(str(value)))
    if kind is TensorValue:
        return f"tensor({'x'.join(map(str, value.shape[:8]))}, {value.dtype})"
    if kind is StorageRef:
        return f"storage({value.dtype}, {value.device})"
    if kind is Array:
        return f"array({'x'.join(map(str, value.shape[:8]))}, {value.dtype})"
    if kind in {int, float, bool, complex, type(None)}:
        return repr(value)
    return clip(_compound(value, levels - 1)) if levels else "…"


def _compound(value: Any, levels: int) -> str:
    kind = type(value)
    if kind is Dict:
        pairs = list(zip(value[: 2 * _MOST_ITEMS : 2], value[1 : 2 * _MOST_ITEMS : 2], strict=False))
        shown = [f"{show(key, levels)}: {show(item, levels)}" for key, item in pairs]
        return "{" + ", ".join(shown) + (", …}" if len(value) > 2 * _MOST_ITEMS else "}")
    if kind is list:
        return f"[{arguments(value, levels)}]"
    if kind is tuple:
        return f"({arguments(value, levels)}{',' * (len(value) == 1)})"
    if kind is Set:
        return "{" + arguments(value.items, levels) + "}" if value.items else "set()"
    if kind is Object:
        return callee(value, levels) if _is_getattr(value) else f"{callee(value.cls, levels)}({_given(value, levels)})"
    return kind.__name__


def _given(made: Object, levels: int) -> str:
    return arguments(made.args, levels) if type(made.args) is tuple else f"*{show(made.args, levels)}"


def arguments(values: Any, levels: int = _MOST_LEVELS) -> str:
    """The items of a list or tuple, separated by commas."""
    shown = [show(value, levels) for value in values[:_MOST_ITEMS]]
    return ", ".join([*shown, "…"] if len(values) > _MOST_ITEMS else shown)


def callee(value: Any, levels: int = _MOST_LEVELS) -> str:
    """What is called. What `getattr` fetches reads as an attribute: `importlib.import_module('os').system`."""
    names: list[str] = []
    while _is_getattr(value) and len(names) < _MOST_LEVELS:
        names.append(value.args[1])
        value = value.args[0]
    return clip(".".join([show(value, levels), *reversed(names)]))


def _is_getattr(value: Any) -> bool:
    return (
        type(value) is Object
        and type(value.cls) is Name
        and (value.cls.module, value.cls.name) == ("builtins", "getattr")
        and type(value.args) is tuple
        and len(value.args) >= 2
        and type(value.args[1]) is str
        and value.args[1].isidentifier()
    )


def clip(text: str, most: int = _MOST_WHOLE) -> str:
    """The text, or its beginning when it is long."""
    return text if len(text) <= most else text[: most - 1] + "…"


def printable(text: str) -> str:
    """The text with whatever is not printable escaped."""
    return text if text.isprintable() else repr(text)[1:-1]

"""The plain data of a checkpoint as short text: what stands at its root, and the settings it carries."""

from typing import Any

from modeldoctor.readers.checkpoint.anatomy_parts import fields, is_tensor
from modeldoctor.readers.checkpoint.pickle_text import show
from modeldoctor.readers.checkpoint.pickle_values import Array, Dict, Object, Set, TensorValue, items_of
from modeldoctor.readers.checkpoint.pickle_walk import is_module, key_text

_MOST_ENTRIES = 40
_MOST_LEVELS = 2
_MOST_TEXT = 120
_MOST_KEY = 80

Outline = tuple[tuple[str, Any], ...]


def outline_of(value: Any, level: int = 0) -> Outline:
    """Nested (key, text) pairs of the first entries of a container, without its tensors, which are told elsewhere."""
    if is_module(value):
        return ()
    entries = [(key, item) for key, item in fields(value, _MOST_ENTRIES) if not is_tensor(item)]
    if not entries:
        return ()
    pairs = [(key_text(key)[:_MOST_KEY], _of(item, level)) for key, item in entries]
    items = items_of(value)
    left = (len(items) // 2 if items is not None else len(value) if type(value) is list else 0) - _MOST_ENTRIES
    if left > 0:
        pairs.append(("…", f"{left:,} more"))
    return tuple(pairs)


def _of(value: Any, level: int) -> Any:
    items = items_of(value)
    if items and level + 1 < _MOST_LEVELS and not any(_is_deep(item) for _, item in fields(value, _MOST_ENTRIES)):
        return outline_of(value, level + 1)
    if type(value) is Object and type(value.value) in {Array, TensorValue}:
        value = value.value
    if is_module(value):
        return f"a module, `{show(value.cls)}`"
    if items is not None:
        return f"dict of {len(items) // 2:,}"
    if type(value) in {list, tuple, Set} and len(value) > 4:
        return f"{type(value).__name__.lower()} of {len(value):,}"
    return show(value)[:_MOST_TEXT]


def _is_deep(value: Any) -> bool:
    return is_tensor(value) or type(value) is Dict or (type(value) is Object and value.value is None)

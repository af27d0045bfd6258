"""What expressions come to without running them: paths in the model folder, constants, and what the server passes."""

import posixpath
from typing import Any

from modeldoctor.facts.archive import Value

UNKNOWN = Value("unknown")
NONE = Value("none")
DATA = Value("data")
CONTEXT = Value("context")

# What torch.nn.Module methods hand back: the module itself.
SAME = frozenset(
    {"to", "cuda", "cpu", "half", "float", "double", "bfloat16", "train", "eval", "requires_grad_", "type"}
    | {"share_memory", "resolve", "absolute", "expanduser", "as_posix", "strip", "__str__"}
)


def text(words: str) -> Value:
    """A text that is known."""
    return Value("text", words, of=words)


def constant(value: Any) -> Value:
    """A plain Python value."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool | int | float):
        return Value("number", of=value)
    kind = "dict" if isinstance(value, dict) else "list" if isinstance(value, list | tuple) else "unknown"
    return Value(kind, number=len(value) if kind == "list" else -1, of=value)


def joined(parts: list[Value]) -> Value:
    """`os.path.join`, or `/` of pathlib."""
    if not parts or not all(part.kind == "text" for part in parts):
        return UNKNOWN
    return text(posixpath.join(*(part.text for part in parts)))


def merged(first: Value, second: Value) -> Value:
    """What a name holds after two ways that both may have been taken."""
    if first == second:
        return first
    if first.kind == second.kind and first.kind in {"list", "dict", "tuple", "text", "number", "coroutine"}:
        return Value("string" if first.kind == "text" else first.kind)
    return UNKNOWN


def item(value: Value, key: Any) -> Value | None:
    """An element of a constant; None when it is not there."""
    try:
        return constant(value.of[key])
    except (KeyError, IndexError, TypeError):
        return None

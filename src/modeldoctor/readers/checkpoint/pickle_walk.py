"""Where things stand in an inert value: their paths, as people write them to reach the loaded object.

Keys, indices and attributes are joined with dots. Inside a pickled nn.Module the levels `_modules`, `_parameters` and
`_buffers` vanish, so that names are those of its state_dict. Nothing recurses, and what is shared is only gone through
again where that names a tensor again: in dicts, lists and modules, within limits.
"""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, NamedTuple

from modeldoctor.readers.checkpoint.pickle_text import show
from modeldoctor.readers.checkpoint.pickle_values import Dict, Name, Object, Set, StorageRef, TensorValue, items_of

# Containers and leaves that are visited, and items that are looked at: containers that share their items could
# otherwise be walked for ever. 200,000 tensors stay below.
MAX_PLACES = 250_000
MAX_ITEMS = 3_000_000
# Characters of all paths together.
MAX_PATH_CHARACTERS = 16 << 20
# Levels of containers below each other. Real objects have fewer than 30.
MAX_LEVELS = 200
# A longer path is cut before more is put behind it.
MAX_PATH = 1000
# Attributes among which those of nn.Module are looked for: it has 20, and they come early.
_FIRST_ATTRIBUTES = 200

_Items = Iterator[tuple[Any, Any, str]]
# What is told, what is gone into, and what is both.
_LEAF, _CONTAINER, _OBJECT = range(3)
_ROLES: dict[type, int] = {
    **dict.fromkeys((TensorValue, Name, StorageRef), _LEAF),
    **dict.fromkeys((Dict, list, tuple, Set), _CONTAINER),
    Object: _OBJECT,
}
_REGISTRIES = {"_parameters": "parameter", "_buffers": "buffer", "_modules": ""}


class Table(NamedTuple):
    """The tensors of a dict that holds nothing else: most of what there is to visit, so it is visited at once."""

    keys: list[str]
    values: list[TensorValue]

    def paths(self, path: str) -> list[str]:
        """Their paths, in a dict at `path`."""
        prefix = _prefix(path)
        return [prefix + key for key in self.keys] if prefix else self.keys


class Walk:
    """Iterating gives `(path, value, kind)` of every tensor, name, storage and object, in the order of the object.

    The tensors of a state_dict come as one Table.

    `kind` is `parameter` or `buffer` for what a module registered, `attribute` for what is only reached through other
    attributes of an object, else empty. `cut` says whether a limit ended it.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self.cut = False

    def __iter__(self) -> Iterator[tuple[str, Any, str]]:
        places = looked_at = characters = 0
        seen: set[int] = set()
        above: set[int] = set()
        # Items still to come, the prefix of their paths, the container they are in.
        stack: list[tuple[_Items, str, int]] = [(iter([("", self.root, "")]), "", 0)]
        while stack:
            items, prefix, own = stack[-1]
            for key, value, kind in items:
                role = _ROLES.get(type(value))
                if role is None:
                    continue
                path = prefix + (key if type(key) is str else key_text(key))
                places += 1
                characters += len(path)
                if places > MAX_PLACES or looked_at > MAX_ITEMS or characters > MAX_PATH_CHARACTERS:
                    self.cut = True
                    return
                if role != _CONTAINER:
                    yield path, value, kind
                if role == _LEAF or id(value) in above or (id(value) in seen and not _again(value)):
                    continue
                weight = _weight(value) if role == _OBJECT else len(value.items if type(value) is Set else value)
                if not weight:
                    continue
                if len(stack) >= MAX_LEVELS:
                    self.cut = True
                    continue
                table = None if kind else _table(value)
                if table is not None:
                    places += len(table.keys)
                    characters += sum(map(len, table.keys)) + len(path) * len(table.keys)
                    yield path, table, kind
                    continue
                seen.add(id(value))
                above.add(id(value))
                looked_at += weight
                stack.append((children(value, kind), _prefix(path), id(value)))
                break
            else:
                stack.pop()
                above.discard(own)


def _table(value: Any) -> Table | None:
    items = value if type(value) is Dict else value.pairs if _is_plain_ordered_dict(value) else None
    if not items or set(map(type, items[1::2])) != {TensorValue}:
        return None
    keys = items[::2]
    unique = set(map(type, keys)) == {str} and len(set(keys)) == len(keys)
    return Table(keys, items[1::2]) if unique else None


def _again(value: Any) -> bool:
    """Whether a shared container names the same tensors in each of its places."""
    return type(value) is not Object or items_of(value) is not None or is_module(value)


def _weight(made: Object) -> int:
    """How many things stand in an object; none in one that is a tensor itself (of torch before 0.4)."""
    if type(made.value) is TensorValue:
        return 0
    weight = len(made.args) if type(made.args) is tuple or type(made.args) is list else 1
    if made.pairs:
        weight += len(made.pairs)
    if made.items:
        weight += len(made.items)
    for state in made.states:
        weight += len(state) if type(state) is Dict else 2
    return weight + (type(made.cls) is Object)


def _prefix(path: str) -> str:
    if len(path) > MAX_PATH:
        path = path[: MAX_PATH // 2] + "…"
    return path + "." if path else ""


def key_text(key: Any) -> str:
    """A key of a dict as part of a path."""
    return key if type(key) is str else str(key) if type(key) is int else show(key)


# --------------------------------------------------------------------------- what containers hold


def children(value: Any, kind: str = "") -> _Items:
    """What stands directly in a container of that kind: key, value, kind."""
    cls = type(value)
    if cls is Dict:
        return _pairs(value, kind)
    if cls is not Object:
        return _indexed(value.items if cls is Set else value, kind)
    state = value.states[0] if len(value.states) == 1 and not value.args else None
    if type(state) is Dict and has_registries(state):
        return _of_module(state)
    return chain.from_iterable(_of_object(value, kind))


def _indexed(values: Any, kind: str) -> _Items:
    return zip(map(str, range(len(values))), values, repeat(kind))


def _pairs(items: Dict, kind: str) -> _Items:
    """The items of a dict; of keys that come twice the last one, as in the loaded dict."""
    keys, values = items[::2], items[1::2]
    if set(map(type, keys)) <= {str} and len(set(keys)) < len(keys):
        unique = dict(zip(keys, values, strict=True))
        return zip(unique.keys(), unique.values(), repeat(kind))
    return zip(keys, values, repeat(kind))


def _of_object(made: Object, kind: str) -> Iterator[_Items]:
    if type(made.cls) is Object:
        yield iter([("()", made.cls, kind)])
    module = _given_module(made)
    if module is not None:
        yield _of_module(module)
    elif type(made.args) in {tuple, list}:
        yield _indexed(made.args, kind)
    if made.items:
        yield _indexed(made.items, kind)
    if made.pairs:
        yield _pairs(made.pairs, kind)
    if _is_plain_ordered_dict(made):
        return  # its only attribute is `_metadata`, the versions of the modules
    for state in made.states:
        if type(state) is not Dict and type(state) is not tuple:
            yield iter([("state", state, kind)])
        elif type(state) is tuple and not any(True for _ in made.dicts()):
            yield _indexed(state, kind)
    for state in made.dicts():
        yield _of_module(state) if has_registries(state) else _pairs(state, "attribute")


def _is_plain_ordered_dict(made: Any) -> bool:
    cls = made.cls if type(made) is Object else None
    return type(cls) is Name and cls.name == "OrderedDict" and cls.module == "collections" and not made.items


# --------------------------------------------------------------------------- modules


def is_module(value: Any) -> bool:
    """Whether it is a pickled nn.Module, whatever its class: it has the registries of one."""
    if type(value) is not Object:
        return False
    return any(map(has_registries, value.dicts())) or _given_module(value) is not None


def _given_module(made: Object) -> Dict | None:
    """The attributes of a module that a function rebuilds from them (torch.fx.graph_module.reduce_graph_module)."""
    first = made.args[0] if type(made.args) is tuple and made.args and not made.states else None
    return first if type(first) is Dict and has_registries(first) else None


def has_registries(state: Dict) -> bool:
    """Whether the attributes are those of an nn.Module."""
    first = {key for key in state[: 2 * _FIRST_ATTRIBUTES : 2] if type(key) is str}
    return "_modules" in first and "_parameters" in first


def _of_module(state: Dict) -> _Items:
    found: list[tuple[Any, Any, str]] = []
    for key, value in state.pairs():
        role = _ROLES.get(type(value))
        registry = items_of(value) if type(key) is str and key in _REGISTRIES else None
        if registry is not None:
            found.extend(_pairs(registry, _REGISTRIES[key]))
        elif role is not None:
            found.append((key, value, "attribute"))
    return iter(found)

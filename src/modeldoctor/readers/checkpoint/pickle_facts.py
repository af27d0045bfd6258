"""What the pickle machine noticed, as the facts that rules see."""

from typing import Any

from modeldoctor.facts.checkpoint import Call, Event, Global, Instance, Pickle
from modeldoctor.readers.checkpoint.dtypes import STORAGE_DTYPES
from modeldoctor.readers.checkpoint.pickle_opcodes import OPCODES
from modeldoctor.readers.checkpoint.pickle_state import Machine
from modeldoctor.readers.checkpoint.pickle_tensors import dtype_of
from modeldoctor.readers.checkpoint.pickle_values import Dict, Name, Object
from modeldoctor.readers.checkpoint.pickle_walk import Walk

# Places that are told for one global.
_MOST_PATHS = 3
# Kinds of instances that are told apart, and attribute names that are collected for them. Whole models have a hundred
# kinds with thirty attributes each.
_MOST_KINDS = 2_000
_MOST_ATTRIBUTES = 1_000_000


def pickle_facts(m: Machine, value: Any, member: str | None, role: str) -> Pickle:
    """The facts of one stream."""
    paths = _paths(m, value)
    problem = m.problem and m.problem._replace(member=member)
    return Pickle(
        member=member,
        offset=m.start,
        size_bytes=m.base + m.pos - m.start,
        protocol=_protocol(m),
        opcode_count=m.count - m.again,
        events=tuple([Event(kind, name, at, detail) for (kind, name, detail), at in m.events.items()]),
        globals=tuple([_global(name) for name in m.names.values()]),
        calls=tuple([Call(*called[:3], paths.get(id(called.made), "")) for called in m.calls.values()]),
        instances=_instances(m, paths),
        stopped=problem,
        role=role,
        nested=tuple(m.nested),
        calls_left_out=m.calls_left_out,
    )


def _protocol(m: Machine) -> int:
    """What PROTO says, or without it the protocol that brought the newest of the opcodes."""
    for kind, name, detail in m.events:
        if kind == "opcode" and name == "PROTO" and isinstance(detail, int):
            return detail
    return max((OPCODES[byte][1] for byte in m.table if byte in OPCODES), default=0)


def _global(name: Name) -> Global:
    uses = frozenset(name.uses) if name.uses else frozenset({"named"})
    return Global(name.module, name.name, uses, name.position, max(1, name.times), tuple(name.paths))


def _paths(m: Machine, root: Any) -> dict[int, str]:
    """The first path of every object; names get theirs. A state_dict of tensors needs no such walk."""
    if not m.instances and not m.calls and all(map(_is_plain, m.names.values())):
        return {}
    found: dict[int, str] = {}
    for path, value, _ in Walk(root):
        name = value if type(value) is Name else value.cls if type(value) is Object else None
        if type(name) is Name and path and len(name.paths) < _MOST_PATHS:
            name.paths.append(path)
        if type(value) is Object:
            found.setdefault(id(value), path)
    return found


def _is_plain(name: Name) -> bool:
    """Whether it is one of the names that every state_dict has."""
    return (
        name.build is not None
        or name.name in STORAGE_DTYPES
        or dtype_of(name) is not None
        or (name.module, name.name) == ("collections", "OrderedDict")
    )


def _instances(m: Machine, paths: dict[int, str]) -> tuple[Instance, ...]:
    """Instances by class and by the names of their attributes."""
    kinds: dict[tuple[int, frozenset[str]], list[Any]] = {}
    known: dict[int, frozenset[str]] = {}
    left = _MOST_ATTRIBUTES
    for made in m.instances:
        name = made.cls
        if type(name) is not Name or name.quiet:
            continue
        # A state may be shared by many instances.
        state = id(made.states[0]) if len(made.states) == 1 else 0
        attributes = known.get(state) if state else None
        if attributes is None:
            dicts = list(made.dicts())
            left -= sum(map(len, dicts))
            if left < 0:
                break
            attributes = known[state] = _attributes(dicts)
        kind = kinds.setdefault((id(name), attributes), [name, attributes, 0, paths.get(id(made), "")])
        kind[2] += 1
        if len(kinds) >= _MOST_KINDS:
            break
    return tuple([Instance(name.module, name.name, names, times, path) for name, names, times, path in kinds.values()])


def _attributes(dicts: list[Dict]) -> frozenset[str]:
    return frozenset(key for each in dicts for key in each[::2] if type(key) is str)

"""What a pickle names, calls, instantiates, fills and gives state to: noted, and turned into inert values."""

from sys import intern
from typing import Any

from modeldoctor.facts.checkpoint import Storage
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES, STORAGE_DTYPES
from modeldoctor.readers.checkpoint.pickle_builders import recognise
from modeldoctor.readers.checkpoint.pickle_state import MAX_NAMES, Called, Machine, Stopped, type_name
from modeldoctor.readers.checkpoint.pickle_tensors import restore
from modeldoctor.readers.checkpoint.pickle_text import arguments, callee, show
from modeldoctor.readers.checkpoint.pickle_values import Dict, Name, Object, Set, StorageRef

# Calls that are explained one by one; of the others only the number is kept, but the first of each callee is explained.
MAX_CALLS = 200
# Calls whose text is made, to find out that it is one that was there before.
_MAX_SHOWN = 1000
# A name longer than any identifier that exists is cut.
_MAX_NAME = 1000
# Sizes are signed 64-bit integers in torch.
MAX_NUMEL = (1 << 63) - 1

# What cannot be called.
_DATA = frozenset({str, int, float, bool, bytes, tuple, list, type(None), Dict, Set})

_new = tuple.__new__  # what calling a NamedTuple does, in a third of the time


def name_of(m: Machine, module: str, name: str, opcode: str) -> Name:
    """The name that find_class would resolve; the same object each time."""
    if m.protocol < 3 and not module.startswith(("torch", "collections")):
        module, name = _python_3_name(module, name)
    key = f"{module[:_MAX_NAME]} {name[:_MAX_NAME]}"
    m.event("global", key, opcode)
    found = m.names.get(key)
    if found is None:
        if len(m.names) >= MAX_NAMES:
            raise Stopped(f"more than {MAX_NAMES:,} different globals", "limit")
        found = m.names[key] = Name(module[:_MAX_NAME], name[:_MAX_NAME], m.position)
        recognise(found)
    found.times += 1
    return found


def _python_3_name(module: str, name: str) -> tuple[str, str]:
    """Names of Python 2 in protocols 0 to 2 (Lib/pickle.py, Unpickler.find_class with `fix_imports`)."""
    from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

    if (module, name) in NAME_MAPPING:
        found: tuple[str, str] = NAME_MAPPING[module, name]
        return found
    return IMPORT_MAPPING.get(module, module), name


# --------------------------------------------------------------------------- calls and instances


def call(m: Machine, function: Any, args: Any) -> Any:
    """REDUCE: what a call gives."""
    count = len(args) if type(args) is tuple or type(args) is list else -1
    known = type(function) is Name
    if known:
        function.times += 1
        if count not in function.calls:
            function.calls.add(count)
            function.uses.add("called")
            m.event("call", f"{function.module} {function.name}", count)
        if function.build is not None and type(args) is tuple:
            value = function.build(m, args)
            if value is not None:
                return value
    else:
        m.event("call", "?", count)
        if type(function) in _DATA:  # TypeError in every unpickler
            raise Stopped(f"REDUCE calls {show(function)}, which is no function")
    made = Object()
    made.cls = function
    made.args = args
    if args and known and function.finish is not None and type(args) is tuple:
        function.finish(m, made)
    if not (known and function.quiet):
        explain(m, made)
    return made


def explain(m: Machine, made: Object) -> None:
    """Keep the text of a call; equal ones once."""
    cls = made.cls
    if len(m.calls) >= MAX_CALLS or m.calls_shown >= _MAX_SHOWN:
        is_new = type(cls) is Name and not cls.explained
        if not is_new or len(m.calls) >= 2 * _MAX_SHOWN:
            m.calls_left_out += 1
            return
    if type(cls) is Name:
        cls.explained = True
    m.calls_shown += 1
    target = callee(cls)
    given = arguments(made.args) if type(made.args) is tuple else f"*{show(made.args)}"
    m.calls.setdefault((target, given), Called(target, given, m.position, made))


def instantiate(
    m: Machine, cls: Any, args: Any, keywords: Any = None, *, explained: bool = False, inner: bool = False
) -> Any:
    """NEWOBJ, NEWOBJ_EX, OBJ, INST: a new instance. The last two call whatever they are given (`explained`).

    `inner`: on behalf of a function that makes instances; what such functions make of each other is not followed.
    """
    count = len(args) if type(args) in {tuple, list} else -1
    made = Object()
    made.cls = cls
    made.how = "new"
    made.args = args
    if type(cls) is Name:
        cls.times += 1
        cls.uses.add("instantiated")
        if count not in cls.news:
            cls.news.add(count)
            m.event("new", f"{cls.module} {cls.name}", count)
        if cls.build is not None and type(args) is tuple and keywords is None and not inner:
            value = cls.build(m, args)
            if value is not None:
                return value
        if args and cls.finish is not None and type(args) is tuple:
            cls.finish(m, made)
    else:
        m.event("new", "?", count)
    if keywords is not None:
        made.args = (*args, keywords) if type(args) is tuple else (args, keywords)
        m.spend(len(made.args))
    if explained:
        explain(m, made)
    m.instances.append(made)
    return made


def build(m: Machine, state: Any) -> None:
    """BUILD: the object on the stack gets a state."""
    target = m.stack[-1]
    m.event("build", type_name(target), type_name(state))
    if type(target) is Name:
        target.uses.add("built")
        return
    if type(target) is not Object:
        return
    if type(target.cls) is Name:
        target.cls.uses.add("built")
    if target.how == "call" and not target.states:
        m.instances.append(target)
    m.spend(len(target.states))
    target.states = (*target.states, state)
    restore(target, state)


def fill(m: Machine, opcode: str, items: list[Any]) -> None:
    """APPEND(S), ADDITEMS, SETITEM(S): the object on the stack gets items."""
    target = m.stack[-1]
    kind = type(target)
    sets = opcode.startswith("SETITEM")
    if kind is (Dict if sets else Set if opcode == "ADDITEMS" else list):
        into = target.items if kind is Set else target
        if type(into) is not tuple:
            into.extend(items)
        return
    m.event("fill", type_name(target), opcode)
    if kind is not Object:
        return
    if sets:
        target.pairs = Dict() if target.pairs is None else target.pairs
        target.pairs.extend(items)
    else:
        target.items = [] if target.items is None else target.items
        target.items.extend(items)


# --------------------------------------------------------------------------- persistent ids


def persistent(m: Machine, pid: Any) -> Any:
    """BINPERSID and PERSID: the storage, class or tensor that a persistent id stands for."""
    kind = type(pid)
    first = pid[0] if kind is tuple and pid else pid if kind is str else None
    if type(first) is bytes:  # written by Python 2 (torch/serialization.py, _maybe_decode_ascii)
        first = str(first, "ascii", "replace")
    text = first[:_MAX_NAME] if type(first) is str else None
    if kind is not tuple:
        m.event("persistent", "text" if kind is str else "integer" if kind is int else "other", text)
        if (kind is str or kind is int) and (found := m.known.get(str(pid))) is not None:
            return found
    elif text == "storage" and 5 <= len(pid) <= 6 and type(pid[1]) is Name and pid[1].name in STORAGE_DTYPES:
        if not m.refs:
            m.event("persistent", "storage", "storage")
        return _storage(m, *pid[1:])
    else:
        m.event("persistent", "other", text)
        if text == "module" and len(pid) > 1:
            return pid[1]  # class, file and source of a container (torch/serialization.py, _legacy_load)
        if type(first) is Name:
            return first  # the same in the tar files of torch 0.1
    made = Object()
    made.how = "persistent"
    made.args = (pid,)
    return made


def _storage(m: Machine, cls: Name, key: Any, location: Any, numel: Any, view: Any = None) -> StorageRef:
    """A storage, and in the legacy format the view of it that is meant: key, offset and size, or None."""
    if type(key) is not str:
        key = str(key, "ascii", "replace") if type(key) is bytes else show(key)
    dtype = STORAGE_DTYPES[cls.name]
    place = m.refs.get(key)
    if place is None:
        if type(location) is not str:
            location = str(location, "ascii", "replace") if type(location) is bytes else show(location)
        if type(numel) is not int or not 0 <= numel <= MAX_NUMEL:
            raise Stopped(f"a storage of {show(numel)} elements")
        place = m.refs[key] = len(m.storages)
        facts = (key, cls.full, dtype, numel, numel * ITEM_BYTES[dtype], intern(location), None, None)
        m.storages.append(_new(Storage, (*facts, m.base + m.pos - m.start, None)))
    storage = m.storages[place]
    if storage.numel:  # an empty storage is made anew at each mention, the others only once
        dtype = storage.dtype
    offset = view[1] if type(view) is tuple and len(view) == 3 and type(view[1]) is int else 0
    return _new(StorageRef, (place, dtype, storage.device, offset))

"""Every opcode that the loop of the pickle machine does not do itself: one small function each.

Semantics are those of Python's Modules/_pickle.c and Lib/pickle.py. A handler finds the opcode at `m.pos` and leaves
`m.pos` behind its operand. IndexError stands for an empty stack or a missing mark, as in pickle.py.
"""

from collections.abc import Callable
from struct import Struct

from modeldoctor.facts.checkpoint import Problem
from modeldoctor.readers.checkpoint import pickle_scalars as scalars
from modeldoctor.readers.checkpoint.pickle_calls import build, fill, instantiate, name_of, persistent
from modeldoctor.readers.checkpoint.pickle_state import LAZY, Again, Machine, Stopped
from modeldoctor.readers.checkpoint.pickle_text import show
from modeldoctor.readers.checkpoint.pickle_values import Blob, Dict, Name, Set

_U8 = Struct("<Q")
_MAX_INDEX = 0xFFFFFFFF
# Making the text of a computed name takes as long as copying these many items.
_COST_OF_TEXT = 400

# --------------------------------------------------------------------------- stack and memo


def _pop(m: Machine) -> None:
    if m.stack:
        del m.stack[-1]
    else:
        m.pop_mark()
    m.pos += 1


def _pop_mark(m: Machine) -> None:
    m.pop_mark()
    m.pos += 1


def _dup(m: Machine) -> None:
    m.stack.append(m.stack[-1])
    m.pos += 1


def _get_line(m: Machine) -> None:
    line, width = m.line()
    index = int(line)
    if not 0 <= index <= _MAX_INDEX:
        raise Stopped("a memo entry is out of range")
    try:
        value = m.memo[index]
    except IndexError:
        raise Stopped(f"memo entry {index} is used before it is set") from None
    if value is LAZY:
        raise Again
    m.stack.append(value)
    m.pos += width


def _put_line(m: Machine) -> None:
    line, width = m.line()
    index = int(line)
    if not 0 <= index <= _MAX_INDEX:
        raise Stopped("a memo entry is out of range")
    m.put(index, m.stack[-1])
    m.pos += width


# --------------------------------------------------------------------------- containers


def _short_tuple(m: Machine, size: int) -> None:
    if len(m.stack) < size:
        raise IndexError
    m.stack[-size:] = [tuple(m.stack[-size:])]
    m.pos += 1


def _empty_list(m: Machine) -> None:
    m.stack.append([])
    m.pos += 1


def _empty_dict(m: Machine) -> None:
    m.stack.append(Dict())
    m.pos += 1


def _list(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(items)
    m.pos += 1


def _dict(m: Machine) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise Stopped("a dict with a key but no value")
    m.stack.append(Dict(items))
    m.pos += 1


def _empty_set(m: Machine) -> None:
    m.stack.append(Set([]))
    m.pos += 1


def _frozenset(m: Machine) -> None:
    items = m.pop_mark()
    m.stack.append(Set(items, frozen=True))
    m.pos += 1


def _append(m: Machine) -> None:
    value = m.stack.pop()
    if type(m.stack[-1]) is list:
        m.stack[-1].append(value)
    else:
        fill(m, "APPEND", [value])
    m.pos += 1


def _appends(m: Machine) -> None:
    items = m.pop_mark()
    fill(m, "APPENDS", items)
    m.pos += 1


def _additems(m: Machine) -> None:
    items = m.pop_mark()
    fill(m, "ADDITEMS", items)
    m.pos += 1


def _setitem(m: Machine) -> None:
    value = m.stack.pop()
    key = m.stack.pop()
    if type(m.stack[-1]) is Dict:
        m.stack[-1].extend((key, value))
    else:
        fill(m, "SETITEM", [key, value])
    m.pos += 1


def _setitems(m: Machine) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise Stopped("SETITEMS with a key but no value")
    fill(m, "SETITEMS", items)
    m.pos += 1


# --------------------------------------------------------------------------- globals, calls, instances


def _global(m: Machine) -> None:
    module, width = m.line()
    name, width = m.line(width)
    m.stack.append(name_of(m, str(module, "utf-8"), str(name, "utf-8"), "GLOBAL"))
    m.pos += width


def _stack_global(m: Machine) -> None:
    name = m.stack.pop()
    module = m.stack.pop()
    for part in (module, name):
        if type(part) in {int, float, bool, tuple, list, Dict, Set, bytes, type(None), Name}:
            raise Stopped(f"STACK_GLOBAL with {show(part)}, where a name must stand")
    if type(module) is not str or type(name) is not str:  # computed: only running the pickle would tell
        m.spend(_COST_OF_TEXT)
        module, name = (part if type(part) is str else show(part) for part in (module, name))
    m.stack.append(name_of(m, module, name, "STACK_GLOBAL"))
    m.pos += 1


def _extension(m: Machine, width: int) -> None:
    at = m.take(1 + width)
    code = int.from_bytes(m.data[at + 1 : at + 1 + width], "little", signed=width == 4)
    if code <= 0:
        raise Stopped("an extension code below 1")
    # What the code stands for is in the loading process' copyreg registry, not in the file.
    m.stack.append(name_of(m, "copyreg", f"extension:{code}", f"EXT{width}"))
    m.pos += 1 + width


def _newobj(m: Machine) -> None:
    args = m.stack.pop()
    m.stack[-1] = instantiate(m, m.stack[-1], args)
    m.pos += 1


def _newobj_ex(m: Machine) -> None:
    keywords = m.stack.pop()
    args = m.stack.pop()
    m.stack[-1] = instantiate(m, m.stack[-1], args, keywords)
    m.pos += 1


def _obj(m: Machine) -> None:
    items = m.pop_mark()
    cls = items.pop(0)
    m.stack.append(instantiate(m, cls, tuple(items), explained=True))
    m.pos += 1


def _inst(m: Machine) -> None:
    module, width = m.line()
    name, width = m.line(width)
    cls = name_of(m, str(module, "ascii"), str(name, "ascii"), "INST")
    items = m.pop_mark()
    m.stack.append(instantiate(m, cls, tuple(items), explained=True))
    m.pos += width


def _build(m: Machine) -> None:
    state = m.stack.pop()
    build(m, state)
    m.pos += 1
    if m.arrays:
        from modeldoctor.readers.checkpoint.pickle_joblib import step_over_array

        step_over_array(m)


def _persid(m: Machine) -> None:
    line, width = m.line()
    m.stack.append(persistent(m, str(line, "ascii")))
    m.pos += width


# --------------------------------------------------------------------------- frame and protocol


def _proto(m: Machine) -> None:
    at = m.take(2)
    m.protocol = m.data[at + 1]
    m.event("opcode", "PROTO", m.protocol)
    if m.protocol > 5:
        raise Stopped(f"pickle protocol {m.protocol} is not known")
    m.pos += 2


def _frame(m: Machine) -> None:
    at = m.take(9)
    size = _U8.unpack_from(m.data, at + 1)[0]
    left = m.source.size - m.base - at - 9
    if size > left and m.problem is None:
        # A loader reads frames ahead and fails here. What the frame does hold is still looked at.
        m.problem = Problem("truncated", f"a frame of {size:,} bytes, {left:,} are left", byte=m.base + at)
    m.pos += 9


def _next_buffer(m: Machine) -> None:
    # The bytes are not in the stream: the loader must be handed them.
    m.stack.append(Blob(b"", 0, 0))
    m.pos += 1


def _nothing(m: Machine) -> None:
    m.pos += 1


Handler = Callable[[Machine], None]


def _with(handler: Callable[[Machine, int], None], head: int) -> Handler:
    return lambda m: handler(m, head)


# What the loop of the machine does itself.
_LOOP = _nothing

# Opcode → its name, the protocol that brought it, and what does it. Names are those of pickletools.
OPCODES: dict[int, tuple[str, int, Handler]] = {
    0x28: ("MARK", 0, _LOOP),
    0x29: ("EMPTY_TUPLE", 1, _LOOP),
    0x2E: ("STOP", 0, _LOOP),
    0x30: ("POP", 0, _pop),
    0x31: ("POP_MARK", 1, _pop_mark),
    0x32: ("DUP", 0, _dup),
    0x42: ("BINBYTES", 3, _with(scalars.raw_bytes, 4)),
    0x43: ("SHORT_BINBYTES", 3, _with(scalars.raw_bytes, 1)),
    0x46: ("FLOAT", 0, scalars.float_line),
    0x47: ("BINFLOAT", 1, scalars.binfloat),
    0x49: ("INT", 0, scalars.int_line),
    0x4A: ("BININT", 1, _LOOP),
    0x4B: ("BININT1", 1, _LOOP),
    0x4C: ("LONG", 0, scalars.long_line),
    0x4D: ("BININT2", 1, _LOOP),
    0x4E: ("NONE", 0, _LOOP),
    0x50: ("PERSID", 0, _persid),
    0x51: ("BINPERSID", 1, _LOOP),
    0x52: ("REDUCE", 0, _LOOP),
    0x53: ("STRING", 0, scalars.text_string),
    0x54: ("BINSTRING", 1, _with(scalars.string, 4)),
    0x55: ("SHORT_BINSTRING", 1, _with(scalars.string, 1)),
    0x56: ("UNICODE", 0, scalars.unicode_line),
    0x58: ("BINUNICODE", 1, _with(scalars.text, 4)),
    0x5D: ("EMPTY_LIST", 1, _empty_list),
    0x61: ("APPEND", 0, _append),
    0x62: ("BUILD", 0, _build),
    0x63: ("GLOBAL", 0, _global),
    0x64: ("DICT", 0, _dict),
    0x65: ("APPENDS", 1, _appends),
    0x67: ("GET", 0, _get_line),
    0x68: ("BINGET", 1, _LOOP),
    0x69: ("INST", 0, _inst),
    0x6A: ("LONG_BINGET", 1, _LOOP),
    0x6C: ("LIST", 0, _list),
    0x6F: ("OBJ", 1, _obj),
    0x70: ("PUT", 0, _put_line),
    0x71: ("BINPUT", 1, _LOOP),
    0x72: ("LONG_BINPUT", 1, _LOOP),
    0x73: ("SETITEM", 0, _setitem),
    0x74: ("TUPLE", 0, _LOOP),
    0x75: ("SETITEMS", 1, _setitems),
    0x7D: ("EMPTY_DICT", 1, _empty_dict),
    0x80: ("PROTO", 2, _proto),
    0x81: ("NEWOBJ", 2, _newobj),
    0x82: ("EXT1", 2, _with(_extension, 1)),
    0x83: ("EXT2", 2, _with(_extension, 2)),
    0x84: ("EXT4", 2, _with(_extension, 4)),
    0x85: ("TUPLE1", 2, _LOOP),
    0x86: ("TUPLE2", 2, _with(_short_tuple, 2)),
    0x87: ("TUPLE3", 2, _with(_short_tuple, 3)),
    0x88: ("NEWTRUE", 2, _LOOP),
    0x89: ("NEWFALSE", 2, _LOOP),
    0x8A: ("LONG1", 2, _with(scalars.long, 1)),
    0x8B: ("LONG4", 2, _with(scalars.long, 4)),
    0x8C: ("SHORT_BINUNICODE", 4, _with(scalars.text, 1)),
    0x8D: ("BINUNICODE8", 4, _with(scalars.text, 8)),
    0x8E: ("BINBYTES8", 4, _with(scalars.raw_bytes, 8)),
    0x8F: ("EMPTY_SET", 4, _empty_set),
    0x90: ("ADDITEMS", 4, _additems),
    0x91: ("FROZENSET", 4, _frozenset),
    0x92: ("NEWOBJ_EX", 4, _newobj_ex),
    0x93: ("STACK_GLOBAL", 4, _stack_global),
    0x94: ("MEMOIZE", 4, _LOOP),
    0x95: ("FRAME", 4, _frame),
    0x96: ("BYTEARRAY8", 5, _with(scalars.raw_bytes, 8)),
    0x97: ("NEXT_BUFFER", 5, _next_buffer),
    0x98: ("READONLY_BUFFER", 5, _nothing),
}

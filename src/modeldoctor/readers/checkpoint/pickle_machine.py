"""A pickle read without loading it: every opcode is followed symbolically, and what it would build is built inert.

Nothing from the file is ever called, imported, hashed or compared. Deep nesting costs memory in proportion, never a
recursion. The result is what `pickle.Unpickler` would make of the same bytes, as far as that can be known.
"""

import gc
from collections.abc import Iterator
from struct import Struct
from struct import error as struct_error
from typing import Any, NamedTuple

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Pickle, Problem, Storage
from modeldoctor.readers.checkpoint.pickle_calls import call, persistent
from modeldoctor.readers.checkpoint.pickle_facts import pickle_facts
from modeldoctor.readers.checkpoint.pickle_nested import examine
from modeldoctor.readers.checkpoint.pickle_opcodes import OPCODES
from modeldoctor.readers.checkpoint.pickle_regular import Regular
from modeldoctor.readers.checkpoint.pickle_state import LAZY, MAX_OPCODES, Again, Machine, Stopped
from modeldoctor.readers.checkpoint.pickle_text import show
from modeldoctor.readers.checkpoint.pickle_values import Object, TensorValue, items_of
from modeldoctor.storage import Source

_unsigned_4 = Struct("<I").unpack_from
_signed_4 = Struct("<i").unpack_from
# Texts up to this length are made by the loop itself.
_SHORT = 4096
_CONSTANTS = {0x29: (), 0x4E: None, 0x88: True, 0x89: False}


class Run(NamedTuple):
    """What one stream gave. `value` is inert (`pickle_values`); `end` is the source offset just after STOP.

    When the stream is damaged `pickle.stopped` says so, `value` is what was built so far, and `end` where it stopped.
    `storages` are in the order of their first mention.
    """

    pickle: Pickle
    value: Any
    storages: tuple[Storage, ...]
    end: int


def run(
    source: Source,
    start: int = 0,
    *,
    member: str | None = None,
    role: str = "object",
    depth: int = 0,
    known: dict[str, Any] | None = None,
    arrays: bool = False,
    opcodes: int | None = None,
) -> Run:
    """Follow the pickle that begins at `start`. Never raises for content.

    `known` gives the values of persistent ids that are no storages (the tensors of torch 0.1's tar files), by their
    text. `depth` counts the pickles around this one. `arrays`: joblib's arrays stand between the opcodes.
    `opcodes` is how many of them are followed, and again as many in the pickles among its values.
    """
    opcodes = MAX_OPCODES if opcodes is None else opcodes
    collecting = gc.isenabled()
    gc.disable()  # nothing that is made here is garbage before it ends: looking for some takes a fifth of the time
    try:
        m = Machine(source, start, depth, known, arrays=arrays, opcodes=opcodes)
        m.regular = Regular(m)
        try:
            value = _follow(m)
        except Again:
            m = Machine(source, start, depth, known, arrays=arrays, opcodes=opcodes)
            value = _follow(m)
        examine(m)
        return Run(pickle_facts(m, value, member, role), value, tuple(m.storages), m.base + m.pos)
    finally:
        if collecting:
            gc.enable()


def _follow(m: Machine) -> Any:
    """Run the machine to its end; damage becomes `m.problem`. Raises Again."""
    try:
        _interpret(m)
        return m.stack.pop()
    except Stopped as stop:
        problem = Problem(stop.kind, str(stop), byte=m.base + m.pos)
        cause = _cause(stop)
    except IndexError:
        problem = Problem("pickle-damaged", "an opcode finds nothing on the stack to work on", byte=m.base + m.pos)
        cause = "stack"
    except ReadError as error:  # a member that cannot be unpacked, a disk that fails; it is a ValueError too
        problem = Problem(error.kind, str(error), error.member, error.byte)
        cause = "other"
    except (ValueError, OverflowError) as error:  # int() and float() of text, UTF-8
        problem = Problem("pickle-damaged", f"a value cannot be read: {str(error)[:200]}", byte=m.base + m.pos)
        cause = "value"
    _note_stop(m, problem, cause)
    m.problem = problem
    return _salvage(m)


# Opcodes whose operand tells the length of what follows, and how many bytes they are up to there.
_HEADS = {0x58: 5, 0x54: 5, 0x42: 5, 0x8B: 5, 0x8D: 9, 0x8E: 9, 0x96: 9, 0x8C: 2, 0x55: 2, 0x43: 2, 0x8A: 2}


def _cause(stop: Stopped) -> str:
    text = str(stop)
    if text.startswith("a value of"):
        return "cut data"
    return "memo" if text.startswith("memo entry") else "limit" if stop.kind == "limit" else "other"


def _note_stop(m: Machine, problem: Problem, cause: str) -> None:
    """The event for the end of a damaged stream."""
    left = m.data[m.pos : m.pos + _LONGEST + 1]
    if not left or cause == "cut data":
        m.event("stop", "", "end" if problem.kind == "truncated" and cause == "other" else cause)
    elif left[0] not in OPCODES:
        m.event("stop", f"0x{left[0]:02x}", "opcode")
    else:
        if problem.kind == "truncated":
            cause = "cut data" if len(left) >= _HEADS.get(left[0], _LONGEST + 2) else "cut"
        m.event("stop", OPCODES[left[0]][0], cause)


def _interpret(m: Machine) -> None:
    """Follow opcodes up to STOP, reading on where the bytes at hand end within one."""
    numbers = iter(range(1, m.most_opcodes + 1))
    m.fill(1)
    while True:
        try:
            _loop(m, numbers)
        except (IndexError, struct_error):
            left = len(m.data) - m.pos
            if left <= _LONGEST and m.fill(left + 1):
                m.again += 1
                continue
            if left == 0 or left < _WIDTHS.get(m.data[m.pos], 0):
                raise Stopped("the stream ends before its STOP opcode", "truncated") from None
            if m.data[m.pos] in _GETS:
                index = int.from_bytes(m.data[m.pos + 1 : m.pos + _WIDTHS[m.data[m.pos]]], "little")
                raise Stopped(f"memo entry {index} is used before it is set") from None
            raise
        else:
            return


def _loop(m: Machine, numbers: Iterator[int]) -> None:  # noqa: PLR0915 - a call per opcode would double the time
    """The opcodes that checkpoints consist of, in the order of their frequency; the others have functions.

    An IndexError leaves the machine at the opcode: either its operand is not at hand yet, or the stack is empty.
    """
    data, pos, stack, memo, table, marks, count = m.data, m.pos, m.stack, m.memo, m.table, m.marks, m.count
    entries, constants, follow = len(memo), _CONSTANTS, m.regular and m.regular.follow
    try:
        for count in numbers:  # noqa: B007 - the machine keeps it
            op = table[data[pos]]
            if op == 0x72:  # LONG_BINPUT
                index = _unsigned_4(data, pos + 1)[0]
                if index == entries:
                    memo.append(stack[-1])
                    entries += 1
                else:
                    m.put(index, stack[-1])
                    memo = m.memo
                    entries = len(memo)
                pos += 5
            elif op == 0x68:  # BINGET
                stack.append(memo[data[pos + 1]])
                pos += 2
            elif op == 0x71:  # BINPUT
                index = data[pos + 1]
                if index == entries:
                    memo.append(stack[-1])
                    entries += 1
                else:
                    m.put(index, stack[-1])
                    memo = m.memo
                    entries = len(memo)
                pos += 2
            elif op == 0x4B:  # BININT1
                stack.append(data[pos + 1])
                pos += 2
            elif op == 0x94:  # MEMOIZE
                memo.append(stack[-1])
                entries += 1
                pos += 1
            elif op == 0x28:  # MARK
                marks.append(stack)
                stack = []
                pos += 1
            elif op == 0x74:  # TUPLE
                items = tuple(stack)
                stack = marks.pop()
                stack.append(items)
                pos += 1
            elif op == 0x85:  # TUPLE1
                stack[-1] = (stack[-1],)
                pos += 1
            elif op == 0x52:  # REDUCE
                m.pos, m.stack = pos, stack
                args = stack.pop()
                stack[-1] = made = call(m, stack[-1], args)
                pos += 1
                if follow is not None and type(made) is TensorValue and data[pos : pos + 1] == b"r":
                    m.pos = pos
                    follow()
                    pos, entries = m.pos, len(memo)
            elif op == 0x58 or op == 0x8C:  # noqa: PLR1714 - BINUNICODE, SHORT_BINUNICODE: a set would be slower
                start = pos + 5 if op == 0x58 else pos + 2
                end = start + (_unsigned_4(data, pos + 1)[0] if op == 0x58 else data[pos + 1])
                if end > len(data) or end - start > _SHORT:
                    m.pos, m.stack, pos = pos, stack, -1
                    HANDLERS[op](m)
                    data, pos = m.data, m.pos
                else:
                    stack.append(str(data[start:end], "utf-8", "surrogatepass"))
                    pos = end
            elif op in constants:  # EMPTY_TUPLE, NONE, NEWTRUE, NEWFALSE
                stack.append(constants[op])
                pos += 1
            elif op == 0x6A:  # LONG_BINGET
                value = memo[_unsigned_4(data, pos + 1)[0]]
                if value is LAZY:
                    raise Again
                stack.append(value)
                pos += 5
            elif op == 0x4D:  # BININT2
                stack.append(data[pos + 1] | data[pos + 2] << 8)
                pos += 3
            elif op == 0x4A:  # BININT
                stack.append(_signed_4(data, pos + 1)[0])
                pos += 5
            elif op == 0x51:  # BINPERSID
                m.pos, m.stack = pos, stack
                stack[-1] = persistent(m, stack[-1])
                pos += 1
            elif op == 0x2E:  # STOP
                pos += 1
                return
            else:
                m.pos, m.stack, m.memo, pos = pos, stack, memo, -1
                HANDLERS[op](m)
                data, pos, stack, memo = m.data, m.pos, m.stack, m.memo
                entries = len(memo)
        raise Stopped(f"more than {m.most_opcodes:,} opcodes: the rest is not read", "limit")
    finally:
        m.count = count
        if pos >= 0:  # else a handler was at work, and left the machine as it is
            m.pos, m.stack = pos, stack


def _first_sight(m: Machine) -> None:
    """An opcode that this stream did not have before."""
    byte = m.data[m.pos]
    known = OPCODES.get(byte)
    if known is None:
        raise Stopped(f"invalid load key, {show(chr(byte) if byte < 0x7F else bytes([byte]))}")
    if byte != PROTO:  # which notes its operand too
        m.events["opcode", known[0], None] = m.base + m.pos - m.start
    m.table[byte] = byte
    m.again += 1


PROTO = 0x80
HANDLERS: list[Any] = [OPCODES[byte][2] if byte in OPCODES else None for byte in range(256)] + [_first_sight]
# Bytes of the opcodes with an operand that the loop reads itself, and of the longest of them.
_WIDTHS = {0x72: 5, 0x68: 2, 0x6A: 5, 0x71: 2, 0x4B: 2, 0x4D: 3, 0x4A: 5, 0x58: 5, 0x8C: 2}
_LONGEST = 8
# BINGET and LONG_BINGET.
_GETS = (0x68, 0x6A)


# --------------------------------------------------------------------------- results


def _salvage(m: Machine) -> Any:
    """What a damaged stream built so far: items on their way into dicts and lists are put there."""
    while m.marks:
        items = m.pop_mark()
        target = m.stack[-1] if m.stack else None
        pairs = items_of(target)
        if type(target) is list:
            target.extend(items)
        elif pairs is not None and len(items) >= 2 and type(items[0]) is str:
            pairs.extend(items[: len(items) // 2 * 2])
            if type(target) is Object:
                target.pairs = pairs
    return m.stack[0] if m.stack else None

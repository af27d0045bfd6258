"""Runs of tensors in a state_dict, whose bytes are as regular as a table, taken in many at once.

torch.save gives each entry the same thirty opcodes: key, storage, offset, size, stride, requires_grad, hooks. A pattern
finds them, and what it found is checked and built column by column, which costs a quarter of following each opcode.
The result is exactly that of following them: whatever differs in the least is left to the machine. Only what is hardly
ever referred to again (the tuples of sizes, of arguments…) is not made; a stream that does refer to it is read again
without this module.
"""

import re
from collections.abc import Callable
from itertools import chain, repeat
from operator import itemgetter, mul
from struct import pack
from sys import intern
from typing import Any

from modeldoctor.facts.checkpoint import Storage
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES, STORAGE_DTYPES
from modeldoctor.readers.checkpoint.pickle_state import LAZY, UNSEEN, Machine
from modeldoctor.readers.checkpoint.pickle_tensors import FEW_DIMENSIONS, tensor_v2
from modeldoctor.readers.checkpoint.pickle_values import Name, TensorValue

# Fewer rows cost more here than opcode by opcode.
_FEWEST = 8
_MOST = 1024
# How often the pattern is not tried at most after it did not fit.
_LONGEST_WAIT = 64
# Recurring pieces that are remembered.
_MOST_PIECES = 4096
# The first 256 memo entries are put and got by shorter opcodes: LAZY is never among them.
_FIRST_ID = 256

_INT = rb"(?:K.|M..|J...[\0-\x7f])"
_GET = rb"(?:h.|j....)"
_SIZES = rb"(?:\)|\((?:" + _INT + rb")+t|" + _INT + rb"(?:\x85|" + _INT + rb"(?:\x86|" + _INT + rb"\x87)))"
# From the memo opcode of one tensor to the REDUCE of the next: the key, the storage, its place in it.
_ROW = (
    rb"r(....)X(....)([ -~]{1,255})r(....)(" + _GET + rb"\(\(" + _GET + _GET + rb")X(.)\0\0\0([0-9]{1,30})r(....)"
    rb"(" + _GET + _INT + rb")tr(....)Q(" + _INT + _SIZES + rb")(?:r(....))?(" + _SIZES + rb")(?:r(....))?"
    rb"([\x88\x89]" + _GET + rb")\)Rr(....)tr(....)R"
)  # fmt: skip
# The group before the Q of the storage; and of the groups counted from 0, what is put into the memo.
_BEFORE_Q = 10
_ids = itemgetter(0, 3, 7, 9, 11, 13, 15, 16)
_ALL_IDS = 8
# Opcodes of a row besides those of its place and strides, and those that it cannot be without.
_OPCODES = 23
_NEEDED = b"rX(tQ)R"
# Bytes of BININT1, BININT2, BININT.
_WIDTHS = {0x4B: 2, 0x4D: 3, 0x4A: 5}
# What a row puts into the memo behind its keys, by how much it puts there.
_LAZY = {width: (LAZY,) * (width - 3) for width in range(_ALL_IDS - 2, _ALL_IDS + 1)}

_NONE, _TENSOR, _STRIDED = repeat(None), repeat("tensor"), repeat("strided")
_new = tuple.__new__


class _Pieces(dict[bytes, Any]):
    """What recurring pieces of bytes mean; None when only the machine may tell."""

    def __init__(self, read: Callable[[bytes], Any]) -> None:
        super().__init__()
        self.read = read

    def __missing__(self, piece: bytes) -> Any:
        meaning = self.read(piece)
        if len(self) < _MOST_PIECES:
            self[piece] = meaning
        return meaning


class Regular:
    """The runs of one stream."""

    def __init__(self, m: Machine) -> None:
        self.m = m
        self.most = _FEWEST
        self.wait = 0
        self.penalty = 1
        self.heads = _Pieces(self._head)
        self.sizes = _Pieces(self._size)
        self.places = _Pieces(self._place)
        self.strides = _Pieces(self._strides)
        self.tails = _Pieces(self._tail)

    def forget(self) -> None:
        """A memo entry changed: what gets refer to must be looked up again."""
        for pieces in (self.heads, self.sizes, self.tails):
            pieces.clear()

    def follow(self) -> None:
        """Take in the rows at the machine's place, behind a tensor on the stack. Without any all stays as it is."""
        if self.wait:
            self.wait -= 1
            return
        taken = 0
        while self.m.regular is not None:
            rows, ends, places = self._match()
            count = self._take(rows, ends, places) if len(rows) >= _FEWEST else 0
            taken += count
            if count < self.most:
                break
            self.most = min(2 * self.most, _MOST)
        self.penalty = 1 if taken else min(2 * self.penalty, _LONGEST_WAIT)
        self.wait = 0 if taken else self.penalty
        self.most = self.most if taken else _FEWEST

    def _match(self) -> tuple[list[tuple[bytes, ...]], list[int], list[int]]:
        """The groups of the next rows, where each ends, and where the Q of its storage stands."""
        data, pos = self.m.data, self.m.pos
        match = re.compile(_ROW, re.DOTALL).match  # compiled when it is first needed: small files don't
        rows: list[tuple[bytes, ...]] = []
        ends: list[int] = []
        places: list[int] = []
        while len(rows) < self.most and (found := match(data, pos)):
            rows.append(found.groups(b""))
            places.append(found.end(_BEFORE_Q))
            pos = found.end()
            ends.append(pos)
        return rows, ends, places

    def _take(self, rows: list[tuple[bytes, ...]], ends: list[int], places: list[int]) -> int:
        """Check the rows and build what they make; how many they were, before the first that is none of ours."""
        columns = list(zip(*rows, strict=True))
        keys = str(b"\n".join(columns[2]), "ascii").split("\n")
        names = str(b"\n".join(columns[6]), "ascii").split("\n")
        if not self._is_sound(rows, columns, keys, names):
            self.m.regular = None
            return 0
        pieces = ((4, self.heads), (8, self.sizes), (10, self.places), (12, self.strides), (14, self.tails))
        meanings = [list(map(known.__getitem__, columns[place])) for place, known in pieces]
        count = min(column.index(None) if None in column else len(rows) for column in meanings)
        if count < len(rows):
            return self._take(rows[:count], ends[:count], places[:count]) if count else 0
        if [len(place[1]) for place in meanings[2]] != [len(stride[0]) for stride in meanings[3]]:
            self.m.regular = None
            return 0
        self._build(columns, keys, names, places, meanings)
        self.m.pos = ends[-1]
        return count

    def _is_sound(self, rows: Any, columns: Any, keys: list[str], names: list[str]) -> bool:
        """Whether lengths are those of the texts, memo entries the next ones, storages new, and opcodes known."""
        m = self.m
        ids = b"".join(chain.from_iterable(map(_ids, rows)))
        first, count = len(m.memo), len(ids) // 4
        return (
            type(m.memo) is list
            and first >= _FIRST_ID
            and bool(m.refs)
            and all(m.table[byte] != UNSEEN for byte in _NEEDED)
            and ids == pack(f"<{count}I", *range(first, first + count))
            and b"".join(columns[1]) == pack(f"<{len(keys)}I", *map(len, keys))
            and b"".join(columns[5]) == bytes(map(len, names))
            and len(set(names)) == len(names)
            and m.refs.keys().isdisjoint(names)
        )

    def _build(
        self, columns: Any, keys: list[str], names: list[str], places: list[int], meanings: list[list[Any]]
    ) -> None:
        """Storages, tensors, memo and stack, as the opcodes would have left them."""
        m = self.m
        functions, classes, dtypes, items = zip(*meanings[0], strict=True)
        devices, numels = zip(*meanings[1], strict=True)
        offsets, shapes, shape_opcodes = zip(*meanings[2], strict=True)
        strides, stride_opcodes = zip(*meanings[3], strict=True)
        flags, hooks = zip(*meanings[4], strict=True)
        index = range(len(m.storages), len(m.storages) + len(names))
        positions = map((m.base - m.start).__add__, places)
        needed = map(mul, numels, items)
        facts = zip(names, classes, dtypes, numels, needed, devices, _NONE, _NONE, positions, _NONE, strict=False)
        m.storages.extend(map(_new, repeat(Storage), facts))
        m.refs.update(zip(names, index, strict=True))
        values = zip(dtypes, shapes, strides, index, offsets, devices, flags, _TENSOR, _STRIDED, strict=False)
        tensors = list(map(_new, repeat(TensorValue), values))
        # What each row puts into the memo: the tensor before, key, storage's key, five tuples or fewer.
        widths = [_ALL_IDS - (not size) - (not step) for size, step in zip(columns[11], columns[13], strict=True)]
        for before, key, name, width in zip([m.stack[-1], *tensors], keys, names, widths, strict=False):
            m.memo += (before, key, name, *_LAZY[width])
        m.stack.extend(chain.from_iterable(zip(keys, tensors, strict=True)))
        for used in (functions, hooks):
            for name in set(used):
                name.times += used.count(name)
        puts = sum(widths) - (_ALL_IDS - 2) * len(widths)
        m.again -= _OPCODES * len(widths) + sum(shape_opcodes) + sum(stride_opcodes) + puts

    # ----------------------------------------------------------------------- pieces

    def _got(self, piece: bytes, at: int = 0) -> tuple[Any, int]:
        """What the get opcode at the place pushes (LAZY: what only the machine may say), and where it ends."""
        short = piece[at] == 0x68
        index = piece[at + 1] if short else int.from_bytes(piece[at + 1 : at + 5], "little")
        known = index < len(self.m.memo) and self.m.table[piece[at]] != UNSEEN
        return self.m.memo[index] if known else LAZY, at + (2 if short else 5)

    def _head(self, piece: bytes) -> tuple[Name, str, str, int] | None:
        """The rebuild function, two marks, `storage`, the storage class."""
        function, at = self._got(piece)
        word, at = self._got(piece, at + 2)
        cls, _ = self._got(piece, at)
        if type(function) is not Name or function.build is not tensor_v2 or 6 not in function.calls:
            return None
        if type(word) is not str or word != "storage" or type(cls) is not Name or cls.name not in STORAGE_DTYPES:
            return None
        dtype = STORAGE_DTYPES[cls.name]
        return function, cls.full, dtype, ITEM_BYTES[dtype]

    def _size(self, piece: bytes) -> tuple[str, int] | None:
        """Device and number of elements of the storage."""
        device, at = self._got(piece)
        numbers = self._numbers(piece[at:])
        return (intern(device), numbers[0][0]) if type(device) is str and numbers else None

    def _place(self, piece: bytes) -> tuple[int, tuple[int, ...], int] | None:
        """The offset in the storage, the sizes, and of how many opcodes both are made."""
        numbers = self._numbers(piece)
        return (numbers[0][0], numbers[0][1:], numbers[1]) if numbers else None

    def _strides(self, piece: bytes) -> tuple[tuple[int, ...], int] | None:
        return self._numbers(piece)

    def _tail(self, piece: bytes) -> tuple[bool, Name] | None:
        """The requires_grad flag and the class of the hooks, an empty OrderedDict."""
        name, _ = self._got(piece, 1)
        if type(name) is not Name or (name.module, name.name) != ("collections", "OrderedDict") or 0 not in name.calls:
            return None
        return (piece[0] == 0x88, name) if self.m.table[piece[0]] != UNSEEN else None

    def _numbers(self, piece: bytes) -> tuple[tuple[int, ...], int] | None:
        """The integers that the opcodes push, and how many opcodes there are."""
        table = self.m.table
        found: list[int] = []
        at = count = 0
        while at < len(piece):
            opcode = piece[at]
            if table[opcode] == UNSEEN:
                return None
            width = _WIDTHS.get(opcode, 1)
            if width > 1:
                found.append(int.from_bytes(piece[at + 1 : at + width], "little"))
            at += width
            count += 1
        return (tuple(found), count) if len(found) <= FEW_DIMENSIONS else None

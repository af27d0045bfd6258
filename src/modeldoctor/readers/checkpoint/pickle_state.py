"""The state of the pickle machine: the bytes that are at hand, the stack, the memo, and what was noticed so far."""

import sys
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Pickle, Problem, Storage
from modeldoctor.readers.checkpoint.pickle_values import Name, Object, TensorValue
from modeldoctor.storage import Source

# Opcodes of one stream that are followed one by one. The optimizer state of 40,000 parameters needs as many; they take
# about half a second.
MAX_OPCODES = 4_000_000
# Bytes of opcodes of one stream (long texts and bytes are stepped over): ten times what 4 million usual opcodes have.
MAX_STREAM_BYTES = 128 << 20
# What the values may weigh, estimated as 64 bytes per allocation and 4 per byte of the stream (text outside Latin-1
# grows that much). 200,000 tensors stay below.
MAX_MEMORY_BYTES = 192 << 20
# Texts and bytes up to this size are kept whole; of longer ones the first part. Names and keys are far shorter.
MAX_KEPT_BYTES = 64 << 10
# Integers longer than this are not made: turning them into text takes quadratic time. (torch's magic number has 10.)
MAX_INTEGER_BYTES = 1024
# A line of the text protocol: pickle itself has no limit, but nobody writes longer numbers or names.
MAX_LINE_BYTES = 1 << 20
# Different globals of one stream. Whole models have a hundred.
MAX_NAMES = 10_000
# Different events of one stream, three for each name.
MAX_EVENTS = 30_000
# Instances of classes. Whole models have some ten thousand; each costs what fifty other opcodes do.
MAX_INSTANCES = 200_000
# Items that are copied on behalf of calls (`OrderedDict([[k, v], …])`), so that a cheap call cannot copy a large list
# again and again.
MAX_COPIED = 4_000_000
# Bytes values that are examined for pickles of their own, and how deep.
MAX_NESTED = 64
MAX_DEPTH = 3

_FIRST_CHUNK = 4 << 10
_CHUNK = 64 << 10
# In the table of opcodes: not seen yet.
UNSEEN = 0x100
# In the memo: something was put there that was not made.
LAZY = object()


class Stopped(Exception):  # noqa: N818 - it is the end of the reading, no error of the program
    """The reading of a stream ends early, for a reason that becomes a Problem."""

    def __init__(self, text: str, kind: str = "pickle-damaged") -> None:
        super().__init__(text)
        self.kind = kind


class Again(Exception):  # noqa: N818 - no error of the program either
    """The stream refers to something that was not made: it must be read again, each opcode by itself."""


class Called(NamedTuple):
    """A call that is worth explaining; `made` is what came of it."""

    target: str
    arguments: str
    position: int
    made: Object


class Machine:
    """One stream being read. `data` holds the bytes from the source offset `base` on; `pos` is the place in them."""

    def __init__(
        self,
        source: Source,
        start: int,
        depth: int = 0,
        known: dict[str, Any] | None = None,
        *,
        arrays: bool = False,
        opcodes: int = MAX_OPCODES,
    ) -> None:
        self.source = source
        self.start = start
        self.depth = depth
        self.known = known or {}
        self.arrays = arrays
        self.most_opcodes = opcodes
        # How many are left for the pickles among the values.
        self.inner_opcodes = opcodes
        self.base = start
        self.data = b""
        self.pos = 0
        self.chunk = _FIRST_CHUNK
        self.stepped_over = 0
        # Allocations of the process when the first chunk was done.
        self.allocated = 0
        # The stack above the last mark; `marks` holds those below. Popping never reaches below a mark.
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: Any = []
        # Opcode → itself once it was seen; before that the loop takes the slow way, which notes the event.
        self.table = [UNSEEN] * 256
        self.protocol = 0
        self.count = 0
        self.again = 0
        self.copied = 0
        # Kind, name and detail of what happened → the place of the first time.
        self.events: dict[tuple[str, str, str | int | None], int] = {}
        self.names: dict[str, Name] = {}
        self.calls: dict[tuple[str, str], Called] = {}
        self.calls_left_out = 0
        self.calls_shown = 0
        self.instances: list[Object] = []
        self.storages: list[Storage] = []
        # Storage key → index in `storages`.
        self.refs: dict[str, int] = {}
        self.encoded: dict[int, tuple[str, bytes]] = {}
        # Bytes values that may be pickles: offset in the source and length, the bytes when they are not in the source.
        self.suspects: list[tuple[int, int, bytes | None]] = []
        self.nested: list[Pickle] = []
        # What stands before the object in storages that were pickled as bytes, once it was read and names nothing.
        self.prefixes: list[bytes] = []
        self.prefixes_tried = 0
        self.problem: Problem | None = None
        # What takes regular runs of tensors, unless that is off (a pickle_regular.Regular).
        self.regular: Any = None

    # ----------------------------------------------------------------------- bytes

    def fill(self, need: int) -> bool:
        """Have `need` bytes from `pos` on, which moves; False when the source ends before."""
        self.check_limits()
        tail = self.data[self.pos :]
        self.base += self.pos
        self.pos = 0
        self.data = tail + self.source.read_at(self.base + len(tail), max(self.chunk, need - len(tail)))
        self.chunk = _CHUNK
        return len(self.data) >= need

    def check_limits(self) -> None:
        """Stop a stream that grows beyond what any model needs. Its first chunk can't: counting costs more than it."""
        consumed = self.base + self.pos - self.start - self.stepped_over
        if not consumed:
            return
        self.allocated = self.allocated or sys.getallocatedblocks()
        memory = 64 * (sys.getallocatedblocks() - self.allocated) + 4 * consumed
        if consumed > MAX_STREAM_BYTES or memory > MAX_MEMORY_BYTES:
            raise Stopped(f"more values than {MAX_MEMORY_BYTES >> 20} MiB hold: the rest is not read", "limit")
        if len(self.instances) > MAX_INSTANCES:
            raise Stopped(f"more than {MAX_INSTANCES:,} instances of classes: the rest is not read", "limit")

    def take(self, need: int) -> int:
        """The place of `need` bytes from the opcode on; Stopped when the source ends before."""
        if self.pos + need > len(self.data) and not self.fill(need):
            raise Stopped("the stream ends within an opcode", "truncated")
        return self.pos

    def line(self, skip: int = 1) -> tuple[bytes, int]:
        """The line that begins `skip` bytes behind `pos`, and how far from `pos` the next one begins."""
        need = skip + 1
        while True:
            at = self.take(need)
            end = self.data.find(b"\n", at + skip)
            if end >= 0:
                return self.data[at + skip : end], end + 1 - at
            need = len(self.data) - at + 1
            if need > MAX_LINE_BYTES:
                raise Stopped(f"a line of more than {MAX_LINE_BYTES >> 20} MiB", "limit")

    def step_over(self, size: int) -> None:
        """Go on behind `size` bytes that need not be read."""
        self.pos += size
        if self.pos > len(self.data):
            self.stepped_over += self.pos - len(self.data)
            self.base += self.pos
            self.data, self.pos = b"", 0

    @property
    def position(self) -> int:
        """The offset of the opcode in the stream."""
        return self.base + self.pos - self.start

    # ----------------------------------------------------------------------- stack and memo

    def pop_mark(self) -> list[Any]:
        """The items above the last mark."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def put(self, index: int, value: Any) -> None:
        """Memoize. A memo with holes becomes a dict: an index costs nothing, whatever its size."""
        if index == len(self.memo):
            self.memo.append(value)
            return
        if type(self.memo) is list and index > len(self.memo):
            self.memo = _SparseMemo(enumerate(self.memo))
        self.memo[index] = value
        if self.regular is not None:
            self.regular.forget()

    # ----------------------------------------------------------------------- what is noticed

    def event(self, kind: str, name: str, detail: str | int | None = None, position: int | None = None) -> None:
        """Note the first time of something, at the present opcode unless told otherwise."""
        key = (kind, name, detail)
        if key not in self.events and len(self.events) < MAX_EVENTS:
            self.events[key] = self.base + self.pos - self.start if position is None else position

    def suspect(self, head: bytes, size: int, offset: int | None = None) -> None:
        """Remember a bytes value that begins as binary pickles do; without `offset` the value is `head`."""
        if head[:1] == b"\x80" and head[1:2] <= b"\x05" and len(self.suspects) < MAX_NESTED:
            self.suspects.append((0, size, head) if offset is None else (offset, size, None))

    def spend(self, items: int) -> None:
        """Account for items that are copied."""
        self.copied += items
        if self.copied > MAX_COPIED:
            raise Stopped(f"calls that copy more than {MAX_COPIED:,} items", "limit")


class _SparseMemo(dict[int, Any]):
    """A memo with holes. MEMOIZE takes the number of entries as its index, as pickle.py and _pickle.c do.

    Keys are integers below 2**32 from the file. Colliding ones would have to differ by multiples of 2**61 - 1.
    """

    def append(self, value: Any) -> None:
        """Memoize at the next index."""
        self[len(self)] = value

    def __missing__(self, index: int) -> Any:
        raise IndexError(index)


def type_name(value: Any) -> str:
    """How events name the type of a value: `module qualname` of its class, `?` when only running code would tell."""
    kind = type(value)
    if kind is Object:
        cls = value.cls
        return f"{cls.module} {cls.name}" if type(cls) is Name else "?"
    if kind is Name:
        return "?"
    if kind is TensorValue:
        return "torch.nn.parameter Parameter" if value.kind == "parameter" else "torch Tensor"
    return _TYPES.get(kind.__name__, kind.__name__)


_TYPES = {
    "Dict": "dict",
    "Set": "set",
    "Blob": "bytes",
    "StorageRef": "torch.storage TypedStorage",
}

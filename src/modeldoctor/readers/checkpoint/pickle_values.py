"""What stands for the objects of a pickle: values that can be looked at and do nothing.

None, bool, int, float, complex, str, bytes, list and tuple are themselves (a bytearray is bytes). Nothing here hashes,
compares or calls what comes from the file: a dict whose keys all collide costs no more than any other.
"""

from collections.abc import Iterator
from sys import intern
from typing import Any, NamedTuple


class Dict(list[Any]):
    """A dict as a flat list: key, value, key, value… A key that comes twice is there twice; the last one counts."""

    __slots__ = ()

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Keys and values in the order of the stream."""
        items = iter(self)
        return zip(items, items, strict=False)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a text key."""
        keys = self[::2]
        keys.reverse()  # of a key that comes twice the last one counts
        return self[2 * (len(keys) - 1 - keys.index(key)) + 1] if key in keys else default


class Set(NamedTuple):
    """A set, with the list or tuple it was made from."""

    items: list[Any] | tuple[Any, ...]
    frozen: bool = False


class Blob(NamedTuple):
    """A text or bytes too long to keep: its first part, its length in the stream, and where it lies in the source."""

    head: str | bytes
    size_bytes: int
    offset: int


class Name:
    """A module attribute that the pickle names, and what became of it."""

    __slots__ = (
        "build",
        "calls",
        "explained",
        "finish",
        "full",
        "module",
        "name",
        "news",
        "paths",
        "position",
        "quiet",
        "times",
        "uses",
    )

    def __init__(self, module: str, name: str, position: int) -> None:
        self.module = module
        self.name = name
        self.full = intern(f"{module}.{name}")
        self.position = position
        self.times = 0
        self.uses: set[str] = set()
        # Numbers of arguments it was called and instantiated with: first occurrences become events.
        self.calls: set[int] = set()
        self.news: set[int] = set()
        self.paths: list[str] = []
        # Set by `pickle_builders.recognise`: what its calls make, what is added to what they make, and whether they
        # go without explanation.
        self.build: Any = None
        self.finish: Any = None
        self.quiet = False
        # Whether one of its calls was.
        self.explained = False

    def __str__(self) -> str:
        return self.full


class Object:
    """What only code could make: the result of a call, or an instance.

    Class attributes stand for what most objects lack: creating one costs a third of running an `__init__`.
    """

    # A Name, or any value that is called although it is none.
    cls: Any = None
    args: Any = ()
    # `call` (REDUCE), `new` (NEWOBJ, OBJ, INST), `persistent` (a persistent id that is no storage).
    how = "call"
    # What BUILD gave, in order; usually one dict or none.
    states: tuple[Any, ...] = ()
    # What APPEND(S) and ADDITEMS added, and what SETITEM(S) set.
    items: list[Any] | None = None
    pairs: Dict | None = None
    # What it is, when that is known: a TensorValue (tensors of torch before 0.4), an Array.
    value: Any = None

    def state(self, key: str) -> Any:
        """The attribute of that name in the state, or None."""
        found = None
        for state in self.dicts():
            found = state.get(key, found)
        return found

    def dicts(self) -> Iterator[Dict]:
        """The dicts of attributes in the state: `__dict__`, and the slots when there are some."""
        for state in self.states:
            if type(state) is Dict:
                yield state
            elif type(state) is tuple and len(state) == 2:
                yield from (each for each in state if type(each) is Dict)


class StorageRef(NamedTuple):
    """A storage, or a view of one (`offset`, in elements): what a persistent id stands for."""

    place: int
    dtype: str
    device: str
    offset: int


class TensorValue(NamedTuple):
    """A tensor without its place; the fields of `facts.checkpoint.Tensor` behind `path`."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: int | None
    offset: int
    device: str
    requires_grad: bool = False
    kind: str = "tensor"
    layout: str = "strided"


class Array(NamedTuple):
    """A NumPy array or scalar."""

    dtype: str
    shape: tuple[int, ...]


def items_of(value: Any) -> Dict | None:
    """The keys and values of a dict or of an instance that was filled like one (OrderedDict, defaultdict…)."""
    if type(value) is Dict:
        return value
    if type(value) is not Object:
        return None
    if value.pairs is None and is_mapping(value.cls):
        return Dict()
    return value.pairs


def is_mapping(cls: Any) -> bool:
    """Whether the class is one of the standard library's dicts."""
    return type(cls) is Name and cls.module == "collections" and cls.name in {"OrderedDict", "defaultdict", "Counter"}

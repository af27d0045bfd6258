"""The machine against CPython's own unpickler: plain objects of any shape, and streams of any opcodes."""

import io
import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.readers.checkpoint.pickle_opcodes import OPCODES
from modeldoctor.readers.checkpoint.pickle_values import Blob, Dict, Set
from modeldoctor.storage import Memory

PROTOCOLS = range(6)


def thaw(value, memo=None):
    """The Python object that an inert value of plain data stands for."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)]
    kind = type(value)
    if kind is list:
        memo[id(value)] = made = []
        made.extend(thaw(item, memo) for item in value)
    elif kind is Dict:
        memo[id(value)] = made = {}
        made.update((thaw(key, memo), thaw(item, memo)) for key, item in value.pairs())
    elif kind is tuple:
        made = tuple(thaw(item, memo) for item in value)
    elif kind is Set:
        made = (frozenset if value.frozen else set)(thaw(item, memo) for item in value.items)
    else:
        made = value
    memo[id(value)] = made
    return made


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(1 << 900), 1 << 900)
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(st.characters(codec=None), max_size=20)
    | st.binary(max_size=300)
    | st.binary(max_size=20).map(bytearray)
)
keys = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.binary(max_size=8) | st.tuples(st.integers())
)
plain = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=5).map(tuple)
        | st.dictionaries(keys, inner, max_size=5)
        | st.sets(keys, max_size=5)
        | st.frozensets(keys, max_size=5)
    ),
    max_leaves=30,
)


@settings(max_examples=100, deadline=None)
@given(value=plain, protocol=st.sampled_from(PROTOCOLS))
def test_plain_objects_come_back(value, protocol):
    shared = [value]
    stream = pickle.dumps([value, shared, shared], protocol=protocol)
    done = run(Memory(stream))
    assert done.pickle.stopped is None
    assert done.end == done.pickle.size_bytes == len(stream)
    assert done.value[1] is done.value[2]
    assert thaw(done.value) == [value, shared, shared]
    assert done.pickle.protocol in {protocol, 0, 1}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cycles_come_back(protocol):
    value = {"list": []}
    value["list"].append(value)
    done = run(Memory(pickle.dumps(value, protocol=protocol)))
    assert done.value.get("list")[0] is done.value


def test_numbers_come_back_across_chunks():
    for length in range(4096 - 40, 4096):
        value = ["x" * length, 0.1, -7, 70_000, 1 << 70, 0.2, b"y", True, 1 << 40]
        for protocol in range(6):
            assert run(Memory(pickle.dumps(value, protocol))).value == value


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [255, 256, 4095, 4097, 65_535, 65_536])
def test_texts_and_bytes_come_back_across_chunks(protocol, size):
    value = ["é" + "a" * size, b"b" * size, list(range(size)), "end"]
    done = run(Memory(pickle.dumps(value, protocol=protocol)))
    assert done.value[2:] == value[2:]
    for found, wanted in zip(done.value[:2], value[:2], strict=True):
        if type(found) is Blob:
            assert size > 65_000
            assert wanted.startswith(found.head)
        else:
            assert found == wanted


# --------------------------------------------------------------------------- streams of any opcodes


class Stub:
    """What stands for everything that a stream names: it takes any call, state and item."""

    def __init__(self, *_args, **_keywords):
        pass

    def __call__(self, *_args, **_keywords):
        return Stub()

    def __setstate__(self, state):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass

    def add(self, item):
        pass

    def __setitem__(self, key, value):
        pass


class Recorder(pickle._Unpickler):
    """CPython's unpickler in Python, which resolves nothing and notes what it is asked for."""

    def __init__(self, stream):
        super().__init__(io.BytesIO(stream))
        self.named = []

    def find_class(self, module, name):
        if self.proto < 3 and (module, name) in pickle._compat_pickle.NAME_MAPPING:
            module, name = pickle._compat_pickle.NAME_MAPPING[module, name]
        elif self.proto < 3:
            module = pickle._compat_pickle.IMPORT_MAPPING.get(module, module)
        self.named.append(f"{module} {name}")
        return Stub

    def get_extension(self, code):
        if code <= 0:
            raise pickle.UnpicklingError
        self.named.append(f"copyreg extension:{code}")
        self.append(Stub)

    def persistent_load(self, _pid):
        return Stub()


short = st.integers(0, 255)
names = st.sampled_from([b"os", b"torch", b"__builtin__", b"x.y"])
OPERANDS = {
    **dict.fromkeys((0x68, 0x71, 0x4B, 0x82), short.map(lambda n: bytes([n % 4]))),
    **dict.fromkeys((0x6A, 0x72, 0x84), short.map(lambda n: struct.pack("<I", n % 5))),
    0x4A: st.binary(min_size=4, max_size=4),
    0x4D: st.binary(min_size=2, max_size=2),
    0x83: st.just(b"\1\0"),
    0x47: st.just(b"\0" * 8),
    0x80: st.sampled_from([b"\0", b"\2", b"\4"]),
    0x95: st.just(b"\0" * 8),
    **dict.fromkeys((0x67, 0x70), short.map(lambda n: b"%d\n" % (n % 4))),
    **dict.fromkeys((0x49, 0x4C), st.sampled_from([b"1\n", b"01\n", b"00\n", b"-5\n", b"7L\n", b"0x10\n"])),
    0x46: st.just(b"1.5\n"),
    0x50: st.just(b"pid\n"),
    0x53: st.sampled_from([b"'a'\n", b'"b"\n', b"'\\x41\\n'\n"]),
    0x56: st.just(b"\\u0041b\n"),
    **dict.fromkeys((0x63, 0x69), st.tuples(names, names).map(lambda pair: b"%s\n%s\n" % pair)),
    **dict.fromkeys((0x43, 0x55, 0x8A, 0x8C), names.map(lambda name: bytes([len(name)]) + name)),
    **dict.fromkeys((0x42, 0x54, 0x58, 0x8B), names.map(lambda name: struct.pack("<I", len(name)) + name)),
    **dict.fromkeys((0x8D, 0x8E, 0x96), names.map(lambda name: struct.pack("<Q", len(name)) + name)),
}
# NEXT_BUFFER needs buffers from outside, and STOP comes last.
opcodes = st.sampled_from(sorted(set(OPCODES) - {0x2E, 0x97, 0x98})).flatmap(
    lambda byte: OPERANDS.get(byte, st.just(b"")).map(lambda operand: bytes([byte]) + operand)
)


@settings(max_examples=500, deadline=None)
@given(parts=st.lists(opcodes, max_size=40))
def test_whatever_cpython_accepts_is_followed_in_the_same_way(parts):
    # Enough on the stack and in the memo that many streams get to their end.
    stream = b"N]q\0)q\1\x8c\2osq\2\x8c\6systemq\3" + b"".join(parts) + b"."
    recorder = Recorder(stream)
    try:
        expected = recorder.load()
    except Exception:  # noqa: BLE001 - any error of CPython's
        expected = Exception
    done = run(Memory(stream))
    named = list(dict.fromkeys(event.name for event in done.pickle.events if event.kind == "global"))
    if expected is Exception:
        # Tolerant where CPython is not, and blind to nothing that it named before.
        assert named[: len(set(recorder.named))] == list(dict.fromkeys(recorder.named))
        return
    assert done.pickle.stopped is None, (stream, done.pickle.stopped)
    assert named == list(dict.fromkeys(recorder.named))
    if type(expected) in {int, float, str, bytes, bool, type(None)}:
        assert done.value == expected
    elif type(expected) in {list, tuple, dict, set, frozenset}:
        found = type(done.value)
        assert found is {dict: Dict, set: Set, frozenset: Set}.get(type(expected), type(expected))


@settings(max_examples=150, deadline=None)
@given(stream=st.binary(max_size=200))
def test_any_bytes_end_in_a_result(stream):
    done = run(Memory(stream))
    assert 0 <= done.end <= len(stream)
    assert done.pickle.stopped is None or done.pickle.stopped.text

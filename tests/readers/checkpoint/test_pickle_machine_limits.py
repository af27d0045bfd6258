"""Streams that were made to exhaust memory, time or the stack of the interpreter."""

import struct
import time
import tracemalloc

import pytest

from modeldoctor.readers.checkpoint import pickle_state, pickle_walk
from modeldoctor.readers.checkpoint.anatomy import describe
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.readers.checkpoint.pickle_text import show
from modeldoctor.storage import Memory

MANY = 60_000
SYSTEM = b"cos\nsystem\n"


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def tensor(sizes=b")"):
    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + b"K\1tQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\0" + sizes + sizes + b"\x89NtR"


def examine(stream):
    """Everything that happens to a stream, in bounded time."""
    started = time.process_time()
    done = run(Memory(stream))
    found = describe(done.value, done.storages, instances=done.pickle.instances)
    show(done.value)
    pickle, value_type = done.pickle, type(done.value)
    del done
    assert time.process_time() - started < 3
    return pickle, found, value_type


DEEP = {
    "lists": b"]" * MANY + b"a" * (MANY - 1) + b".",
    "tuples": b"N" + b"\x85" * MANY + b".",
    "dicts": b"}U\1a" * MANY + b"N" + b"s" * MANY + b".",
    "marks": b"(" * MANY + b"N.",
    "sets": b"\x8f(" * MANY + b"N" + b"\x90" * MANY + b".",
    "frozensets": b"(" * MANY + b"\x91" * MANY + b".",
    "calls": SYSTEM + b")R" * MANY + b".",
    "callees": b"cbuiltins\ngetattr\nq\0" + b"h\0(" * 1 + SYSTEM + (text(b"x") + b"tR0h\0(" + SYSTEM) * 99 + b".",
    "arguments": SYSTEM + b"q\0" + b"h\0" * MANY + b"N" + b"\x85R" * MANY + b".",
    "states": b"ca\nB\nq\0" + b"h\0)\x81}U\1a" * MANY + b"N" + b"sb" * MANY + b".",
    "rebuilds": b"ctorch._tensor\n_rebuild_from_type_v2\nq\0" * 1 + b"h\0h\0N" * 500 + b")N" + b"\x86" * 500 + b".",
    "makers of instances": b"ccopyreg\n__newobj__\nq\0(" + b"h\0" * 2500 + b"tR.",
    "list of itself": b"]q\0h\0a.",
    "dict of itself": b"}q\0U\1ah\0s.",
    "object of itself": b"ca\nB\n)\x81q\0}U\1ah\0sb.",
}


@pytest.mark.parametrize("name", DEEP)
def test_depth_is_no_recursion(name):
    examine(DEEP[name])


BOMBS = {
    "shared lists": b"]q\0" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(100)) + b".",
    "shared dicts of tensors": tensor()
    + b"q\0"
    + b"".join(b"}(U\1ah%cU\1bh%cuq%c" % (i, i, i + 1) for i in range(100))
    + b".",
    "shared modules": tensor()
    + b"q\0"
    + b"".join(
        b"ca\nB\n)\x81}(U\x0b_parametersNU\x08_modules}(U\1ah%cU\1bh%cuubq%c" % (i, i, i + 1) for i in range(60)
    )
    + b".",
    "one state for many objects": b"(}(" + b"".join(b"U\4%04dN" % i for i in range(5000)) + b"uq\1ca\nB\nq\0"
    + b"h\0)\x81h\1b" * 20_000 + b"l.",
    "copies of a set": b"(](" + b"N" * 50_000 + b"eq\1cbuiltins\nset\nq\0" + b"h\0h\1\x85R" * MANY + b"l.",
    "copies of pairs": b"(](" + b"]" * 9_000 + b"eq\1ccollections\nOrderedDict\nq\0" + b"h\0h\1\x85R" * MANY + b"l.",
    "copies of arguments": b"((" + b"N" * 50_000 + b"tq\1}q\2ca\nB\nq\0" + b"h\0h\1h\2\x92" * MANY + b"l.",
    "copies of a text": b"(" + text("é".encode() * 20_000) + b"q\1U\6latin1q\2c_codecs\nencode\nq\0"
    + b"h\0h\1h\2\x86R" * MANY + b"l.",
    "keys that collide": b"}(" + b"".join(b"\x8a\x0a" + ((2**61 - 1) * i).to_bytes(10, "little") + b"N" for i in range(MANY)) + b"u.",
    "huge sizes": b"(" + tensor(b"(" + b"\x8a\x08" + b"\xff" * 7 + b"\x7f" + b"K\1" * 60 + b"t") * 300 + b"l.",
    "sixty-four huge sizes": b"(" + tensor(b"(" + b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f" * 64 + b"t") * 300 + b"l.",
    "long keys": text(b"k" * 60_000) + b"q\1" + b"}h\1" * 150 + b"}(" + b"".join(
        b"M" + struct.pack("<H", i) + tensor() for i in range(2000)) + b"u" + b"s" * 150 + b".",
    "calls with large arguments": b"(](" + b"".join(b"U\4%04d" % i for i in range(1000)) + b"e\x85\x85\x85q\1" + SYSTEM + b"q\0"
    + b"".join(b"h\0h\1K%c\x86R" % (i % 250) for i in range(MANY // 3)) + b"l.",
    "optimizers": b"(" + b"}(U\5state}U\x0cparam_groups]u" * 20_000 + b"l.",
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_go_off_slowly(name):
    examine(BOMBS[name])


LIMITS = {
    "globals": b"(" + b"".join(b"cm%d\nf\n" % i for i in range(20_000)) + b"l.",
    "instances": b"(" + b"ca\nB\nq\0" + b"h\0)\x81" * 300_000 + b"l.",
    "copies": BOMBS["copies of pairs"],
    "computed names": b"\x80\4(ca\nb\nq\0" + b"h\0)Rh\0)R\x93" * 30_000 + b"l.",
    "a line": b"I" + b"1" * (2 << 20) + b"\n.",
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_told(name):
    pickle, _, _ = examine(LIMITS[name])
    assert pickle.stopped.kind == "limit"
    assert pickle.stopped.text


@pytest.mark.parametrize(
    ("limit", "value", "stream"),
    [
        ("MAX_MEMORY_BYTES", 4 << 20, b"(" + b"]" * 200_000 + b"l."),
        ("MAX_MEMORY_BYTES", 4 << 20, b"(" + (text("🙂".encode() + b"a" * 4000)) * 1000 + b"l."),
        ("MAX_STREAM_BYTES", 1 << 18, b"(" + b"N" * (1 << 19) + b"l."),
    ],
)
def test_memory_and_size_are_bounded(monkeypatch, limit, value, stream):
    monkeypatch.setattr(pickle_state, limit, value)
    tracemalloc.start()
    try:
        stopped = run(Memory(stream)).pickle.stopped
        assert tracemalloc.get_traced_memory()[1] < 3 * value + (16 << 20)
    finally:
        tracemalloc.stop()
    assert stopped.kind == "limit"


def test_opcodes_are_bounded(monkeypatch):
    monkeypatch.setattr("modeldoctor.readers.checkpoint.pickle_machine.MAX_OPCODES", 1000)
    found = run(Memory(b"N0" * 2000 + b"N.")).pickle
    assert found.stopped.kind == "limit"
    assert 990 < found.opcode_count <= 1000


def test_places_are_bounded(monkeypatch):
    monkeypatch.setattr(pickle_walk, "MAX_PLACES", 50)
    done = run(Memory(b"(" + tensor() * 100 + b"l."))
    found = describe(done.value, done.storages)
    assert len(found.tensors) < 100
    assert found.problems[0].kind == "limit"


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        (b"N" + b"r\0\0\0\x80r\xff\xff\xff\xffj\xff\xff\xff\xff.", None),
        (b"X\xff\xff\xff\xffaaa", "truncated"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffaaa", "truncated"),
        (b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7faaa", "truncated"),
        (b"\x8b\xff\xff\xff\xff.", "truncated"),
        (b"T\xff\xff\xff\xff.", "truncated"),
        (b"\x80\4\x95\xff\xff\xff\xff\xff\xff\xff\xffN.", "truncated"),
        (b"I" + b"9" * 5000 + b"\n.", "pickle-damaged"),
        (b"p99999999999999999999999\n.", "pickle-damaged"),
        (b"Np-1\n.", "pickle-damaged"),
        (b"\x80\x63N.", "pickle-damaged"),
    ],
)
def test_sizes_in_the_stream_allocate_nothing(stream, kind):
    tracemalloc.start()
    try:
        stopped = run(Memory(stream)).pickle.stopped
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert (stopped and stopped.kind) == kind


def test_calls_are_counted_when_there_are_too_many():
    stream = b"(" + SYSTEM + b"q\0" + b"".join(b"h\0" + text(b"%d" % i) + b"\x85R" for i in range(500))
    stream += b"csubprocess\nrun\n)Rl."
    found = run(Memory(stream)).pickle
    assert len(found.calls) == 201
    assert found.calls_left_out == 300
    assert found.calls[-1].target == "subprocess.run"
    assert {str(each): each.times for each in found.globals}["os.system"] == 501

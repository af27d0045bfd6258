"""What a stream names, calls and builds, however it goes about it; and what is noticed for rules and predictions."""

import io
import pickle
import struct
import sys
import time
import zipfile
from collections import Counter, OrderedDict, defaultdict

import pytest
import torch
from torch import nn

from modeldoctor.errors import ReadError
from modeldoctor.readers.checkpoint.anatomy import describe
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.readers.checkpoint.pickle_text import show
from modeldoctor.readers.checkpoint.pickle_values import Blob, Dict
from modeldoctor.storage import Memory


def read(stream, **options):
    return run(Memory(stream), **options)


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def named(stream):
    return [str(found) for found in read(stream).pickle.globals]


def test_data_cannot_be_called():
    for value in (b"X\1\0\0\0a", b"K\1", b")", b"]", b"}", b"N"):
        done = read(value + b")R.")
        assert "which is no function" in done.pickle.stopped.text


def calls(stream):
    return [f"{call.target}({call.arguments})" for call in read(stream).pickle.calls]


def events(stream, kind):
    return [(event.name, event.detail) for event in read(stream).pickle.events if event.kind == kind]


# --------------------------------------------------------------------------- names that hide

SYSTEM = b"cos\nsystem\n"
HIDDEN = {
    "GLOBAL": SYSTEM + text(b"id") + b"\x85R.",
    "INST": b"(" + text(b"id") + b"ios\nsystem\n.",
    "OBJ": b"(" + SYSTEM + text(b"id") + b"o.",
    "OBJ whose result is dropped": b"(" + SYSTEM + text(b"id") + b"o0N.",
    "NEWOBJ": SYSTEM + text(b"id") + b"\x85\x81.",
    "NEWOBJ_EX": b"\x80\4" + SYSTEM + text(b"id") + b"\x85}\x92.",
    "STACK_GLOBAL": b"\x80\4\x8c\2os\x8c\6system\x93\x8c\2id\x85R.",
    "names from the memo": b"\x80\4\x8c\6system\x940\x8c\2osq\x070h\7h\0\x93.",
    "names by other opcodes": b"\x80\4S'os'\nV\\u0073ystem\n\x93.",
    "names as bytes of Python 2": b"\x80\4U\2osT\6\0\0\0system\x93.",
    "names duplicated and swapped": b"\x80\4\x8c\6systemq\x000\x8c\2os20h\0\x93.",
    "behind a mark that is popped": b"((((1111" + SYSTEM + b".",
    "memo overwritten": b"Nq\x000" + SYSTEM + b"q\x000h\0.",
    "sparse memo": SYSTEM + b"r\0\0\0\x800j\0\0\0\x80.",
    "text memo": SYSTEM + b"p4294967295\n0g4294967295\n.",
    "in a dict key": b"}" + SYSTEM + b"Ns.",
    "in the state of an object": b"ca\nB\n)\x81}" + text(b"x") + SYSTEM + b"sb.",
    "behind an unneeded protocol": b"\x80\2\x80\4\x80\0" + SYSTEM + b".",
    "before damage": SYSTEM + b"\xff",
    "before the end of the file": SYSTEM + b"(((",
}


@pytest.mark.parametrize("name", HIDDEN)
def test_names_are_found(name):
    assert "os.system" in named(HIDDEN[name])


@pytest.mark.parametrize("name", ["GLOBAL", "INST", "OBJ", "OBJ whose result is dropped", "STACK_GLOBAL"])
def test_calls_are_told_with_their_arguments(name):
    assert calls(HIDDEN[name]) == ["os.system('id')"]


def test_uses():
    uses = {str(found): found.uses for found in read(HIDDEN["in the state of an object"]).pickle.globals}
    assert uses == {"a.B": {"instantiated", "built"}, "os.system": {"named"}}
    assert [found.uses for found in read(HIDDEN["GLOBAL"]).pickle.globals] == [{"called"}]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"c__builtin__\ngetattr\n.", "builtins.getattr"),
        (b"\x80\2c__builtin__\nxrange\n.", "builtins.range"),
        (b"\x80\2ccopy_reg\n_reconstructor\n.", "copyreg._reconstructor"),
        (b"\x80\2ccPickle\nloads\n.", "pickle.loads"),
        (b"\x80\3c__builtin__\ngetattr\n.", "__builtin__.getattr"),
        (b"\x80\4c" + "mödul\nnäme\n.".encode(), "mödul.näme"),
        (b"\x80\4\x8c\2os\x8c\x0bpath.exists\x93.", "os.path.exists"),
        (b"\x80\2\x82\x05.", "copyreg.extension:5"),
        (b"\x80\2\x84\0\1\0\0.", "copyreg.extension:256"),
    ],
)  # fmt: skip
def test_names_are_those_that_loading_resolves(stream, expected):
    assert named(stream) == [expected]


def test_names_match_cpython():
    """Python 2 names in protocol 2, the way find_class maps them."""
    seen = []

    class Recorder(pickle._Unpickler):
        def find_class(self, module, name):
            seen.append(super().find_class(module, name))
            return seen[-1]

    stream = b"\x80\2c__builtin__\nunicode\n0c__builtin__\nreduce\n0cStringIO\nStringIO\n0citertools\nizip\n."
    Recorder(io.BytesIO(stream)).load()
    assert named(stream) == ["builtins.str", "functools.reduce", "io.StringIO", "builtins.zip"]
    assert [found.__name__ for found in seen] == ["str", "reduce", "StringIO", "zip"]


def test_a_computed_callee_reads_like_python():
    stream = (
        b"\x80\4cbuiltins\ngetattr\n(cimportlib\nimport_module\n"
        + text(b"os")
        + b"\x85R"
        + text(b"system")
        + b"tR"
        + text(b"id")
        + b"\x85R."
    )
    assert calls(stream) == [
        "importlib.import_module('os')",
        "builtins.getattr(importlib.import_module('os'), 'system')",
        "importlib.import_module('os').system('id')",
    ]
    assert ("?", 1) in events(stream, "call")


def test_a_computed_name_is_told_as_such():
    stream = b"\x80\4\x8c\2os\x8c\3str\x93\x8c\1x\x85R\x8c\6system\x93."
    assert named(stream) == ["os.str", "os.str('x').system"]


@pytest.mark.parametrize("junk", [b"K\1", b"N", b"]", b")", b"}", b"C\2os", b"cos\nsystem\n"])
def test_names_that_are_no_text_stop_the_loader(junk):
    done = read(b"\x80\4" + junk + b"\x8c\6system\x93.")
    assert done.pickle.stopped.kind == "pickle-damaged"
    assert "STACK_GLOBAL" in done.pickle.stopped.text


def test_control_characters_do_not_get_through():
    stream = b"cos\x1b[31m\nsystem\n" + text("\x1b[2J\u202e".encode()) + b"\x85R."
    assert all(text.isprintable() for text in calls(stream))


# --------------------------------------------------------------------------- pickles in pickles


def test_pickles_in_bytes_are_read():
    inner = pickle.dumps(OrderedDict)
    nested = read(pickle.dumps([inner, {"x": pickle.dumps([inner])}])).pickle.nested
    assert [[str(found) for found in each.globals] for each in nested[:1]] == [["collections.OrderedDict"]]
    assert [str(found) for found in nested[1].nested[0].globals] == ["collections.OrderedDict"]


def test_what_loads_reads_a_text_pickle():
    found = read(b"\x80\3cpickle\nloads\nC\x0ccos\nsystem\n.\x85R.").pickle
    assert [str(each) for each in found.nested[0].globals] == ["os.system"]


def test_bytes_in_protocol_2_are_examined_too():
    found = read(pickle.dumps([pickle.dumps(OrderedDict)], protocol=2)).pickle
    assert [str(each) for each in found.nested[0].globals] == ["collections.OrderedDict"]


def test_nesting_ends():
    value = pickle.dumps(OrderedDict)
    for _ in range(10):
        value = pickle.dumps(value)
    found, depth = read(value).pickle, 0
    while found.nested:
        found, depth = found.nested[0], depth + 1
    assert depth == 3


def test_bytes_that_only_look_like_a_pickle():
    assert read(pickle.dumps([b"\x80\4\xff\xff\xff", b"\x80\2.", b"\x80"])).pickle.nested == ()


# --------------------------------------------------------------------------- containers and instances


class Config:
    __module__ = "shop.config"

    def __init__(self, **values):
        self.__dict__.update(values)


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a, self.b = 1, 2


Config.__qualname__ = "Config"


@pytest.fixture
def shop(monkeypatch):
    module = type(sys)("shop")
    module.config = type(sys)("shop.config")
    module.config.Config = Config
    monkeypatch.setitem(sys.modules, "shop", module)
    monkeypatch.setitem(sys.modules, "shop.config", module.config)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("protocol", range(6))
def test_instances_tell_their_attributes(protocol):
    value = {"first": [Config(lr=1)], "more": Config(lr=2), "other": Config(lr=3, steps=4)}
    found = read(pickle.dumps(value, protocol=protocol)).pickle
    told = [(str(each), set(each.attributes), each.times, each.path) for each in found.instances]
    assert told == [
        ("shop.config.Config", {"lr"}, 2, "first.0"),
        ("shop.config.Config", {"lr", "steps"}, 1, "other"),
    ]
    paths = next(each.paths for each in found.globals if each.name == "Config")
    assert paths == ("first.0", "more", "other")


def test_slots_are_attributes():
    found = read(pickle.dumps(Slotted(), protocol=2)).pickle.instances
    assert [each.attributes for each in found] == [{"a", "b"}]


@pytest.mark.parametrize("protocol", range(6))
def test_dict_like_values_keep_their_items(protocol):
    values = [OrderedDict(a=1, b=2), defaultdict(list, a=1), Counter(a=3)]
    done = read(pickle.dumps(values, protocol=protocol))
    assert [list(each.pairs) for each in done.value] == [["a", 1, "b", 2], ["a", 1], ["a", 3]]


def test_an_ordered_dict_of_python_2():
    stream = b"\x80\2ccollections\nOrderedDict\n](](U\1aK\1e](U\1bK\2ee\x85R."
    assert read(stream).value.pairs == ["a", 1, "b", 2]


def test_a_key_that_comes_twice_counts_once():
    done = read(b"}(X\1\0\0\0aK\1X\1\0\0\0aK\2u.")
    assert done.value.get("a") == 2
    assert pickle.loads(b"}(X\1\0\0\0aK\1X\1\0\0\0aK\2u.") == {"a": 2}


def test_python_2_strings_that_are_no_text():
    done = read(b"\x80\2U\2\xff\xfe.")
    assert done.value == b"\xff\xfe"
    assert ("SHORT_BINSTRING", "not UTF-8") in events(b"\x80\2U\2\xff\xfe.", "opcode")


# --------------------------------------------------------------------------- events


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return zipfile.ZipFile(stream).read("archive/data.pkl")


def test_events_of_a_state_dict():
    stream = saved(nn.Linear(2, 2).state_dict())
    assert events(stream, "global") == [
        ("collections OrderedDict", "GLOBAL"),
        ("torch._utils _rebuild_tensor_v2", "GLOBAL"),
        ("torch FloatStorage", "GLOBAL"),
    ]
    assert events(stream, "call") == [("collections OrderedDict", 0), ("torch._utils _rebuild_tensor_v2", 6)]
    assert events(stream, "persistent") == [("storage", "storage")]
    assert events(stream, "fill") == [("collections OrderedDict", "SETITEMS"), ("collections OrderedDict", "SETITEM")]
    assert events(stream, "build") == [("collections OrderedDict", "dict")]
    assert events(stream, "new") == []
    assert ("PROTO", 2) in events(stream, "opcode")
    assert events(stream, "opcode")[-1] == ("STOP", None)


def test_events_are_first_occurrences_in_stream_order():
    for value in (nn.LSTM(2, 2), [nn.Linear(2, 2).state_dict()] * 2, {"a": {1, 2}, "b": b"x"}):
        for protocol in (2, 4):
            stream = saved(value, pickle_protocol=protocol)
            found = read(stream).pickle.events
            assert [event.position for event in found] == sorted(event.position for event in found)
            assert len({(event.kind, event.name, event.detail) for event in found}) == len(found)


@pytest.mark.parametrize(
    ("stream", "kind", "expected"),
    [
        (b"]K\1a.", "fill", []),
        (b"}K\1a.", "fill", [("dict", "APPEND")]),
        (b"](K\1K\2u.", "fill", [("list", "SETITEMS")]),
        (b"ca\nB\n)R(K\1e.", "fill", [("a B", "APPENDS")]),
        (b"ca\nB\n)R)R(K\1K\2u.", "fill", [("?", "SETITEMS")]),
        (b"}}b.", "build", [("dict", "dict")]),
        (b"ca\nB\n)RNb.", "build", [("a B", "NoneType")]),
        (b"ca\nB\n}b.", "build", [("?", "dict")]),
        (b"ca\nB\nK\1K\2\x86\x81.", "new", [("a B", 2)]),
        (b"(ca\nB\no.", "new", [("a B", 0)]),
        (b"K\7Q.", "persistent", [("integer", None)]),
        (b"Pabc\n.", "persistent", [("text", "abc")]),
        (b"NQ.", "persistent", [("other", None)]),
        (b"X\6\0\0\0moduleN\x86Q.", "persistent", [("other", "module")]),
        (b"X\7\0\0\0storage\x85Q.", "persistent", [("other", "storage")]),
    ],
)
def test_events_tell_what_restricted_loaders_look_at(stream, kind, expected):
    assert events(stream, kind) == expected


def test_the_first_refusal_of_the_restricted_loader_has_its_event():
    """For each refusal of torch's weights-only unpickler, the event that stands for it."""
    refused = {
        "GLOBAL shop.config.Config": (b"\x80\2cshop.config\nConfig\n.", ("global", "shop.config Config")),
        "whose module os is blocked": (b"\x80\2cos\nsystem\n.", ("global", "os system")),
        "Unsupported operand 140": (b"\x80\2\x8c\1a.", ("opcode", "SHORT_BINUNICODE")),
        "Can only extend lists": (b"\x80\2}(K\1e.", ("fill", "dict")),
        "Can only SETITEM for": (b"\x80\2]K\1K\2s.", ("fill", "list")),
        "Can only build": (b"\x80\2}}b.", ("build", "dict")),
        "must be tuple or int": (b"\x80\2X\1\0\0\0aQ.", ("persistent", "text")),
        "Only persistent_load of storage": (b"\x80\2X\6\0\0\0moduleN\x86Q.", ("persistent", "other")),
        "unrecognized function": (b"\x80\2K\1)R.", ("call", "?")),
        "Can only create new object": (b"\x80\2K\1)\x81.", ("new", "?")),
    }
    for message, (stream, (kind, name)) in refused.items():
        with pytest.raises(pickle.UnpicklingError, match=message.replace("(", r"\(")):
            torch._weights_only_unpickler.load(io.BytesIO(stream))
        assert any((event.kind, event.name) == (kind, name) for event in read(stream).pickle.events), message


# --------------------------------------------------------------------------- damage


SAMPLES = {
    "state_dict": lambda: saved(nn.Linear(2, 2).state_dict()),
    "module": lambda: saved(nn.Sequential(nn.Linear(1, 1), nn.ReLU())),
    "legacy": lambda: pickle.dumps({"a": torch.ones(2), "b": [1, "x", 2.5, None]}, protocol=2),
    "protocol 0": lambda: pickle.dumps({"a": [1, 2.5, "x", b"y", (1, 2)], "b": Counter(a=1)}, protocol=0),
    "protocol 5": lambda: pickle.dumps({"a": [1, 2.5, {3}, frozenset({4})], "b": bytearray(b"xyz")}, protocol=5),
    "attack": lambda: HIDDEN["names from the memo"] + HIDDEN["OBJ"],
}


def ends_well(stream):
    started = time.process_time()
    done = read(stream)
    described = describe(done.value, done.storages, instances=done.pickle.instances)
    show(done.value)
    assert 0 <= done.end <= len(stream)
    assert described.anatomy.contents
    assert time.process_time() - started < 1
    return done


@pytest.mark.parametrize("name", SAMPLES)
def test_every_cut(name):
    stream = SAMPLES[name]()
    for size in range(len(stream)):
        done = ends_well(stream[:size])
        assert done.pickle.stopped is not None or stream[done.end - 1] == ord(".")


@pytest.mark.parametrize("name", SAMPLES)
def test_every_changed_byte(name):
    stream = SAMPLES[name]()
    step = max(1, len(stream) // 100)
    for place in range(0, len(stream), step):
        for byte in (0, 0x28, 0x52, 0x62, 0x75, 0x81, 0xFF, stream[place] ^ 1):
            ends_well(stream[:place] + bytes([byte]) + stream[place + 1 :])


def test_a_cut_state_dict_keeps_what_it_has():
    stream = saved({f"layer{i}.weight": torch.zeros(i + 1) for i in range(20)})
    done = read(stream[: len(stream) // 2])
    assert done.pickle.stopped.kind == "truncated"
    assert done.pickle.stopped.byte == done.end
    found = describe(done.value, done.storages)
    assert [tensor.path for tensor in found.tensors[:3]] == ["layer0.weight", "layer1.weight", "layer2.weight"]
    assert len(done.storages) > 8


def test_the_end_is_just_behind_stop():
    first, second = pickle.dumps([1]), pickle.dumps({"a": "b" * 9000})
    source = Memory(b"junk" + first + second + b"tail" * 5000)
    one = run(source, 4, role="magic")
    two = run(source, one.end, member="x/data.pkl")
    assert (one.end, one.value, one.pickle.role, one.pickle.offset) == (4 + len(first), [1], "magic", 4)
    assert two.value.get("a") == "b" * 9000
    assert (two.end, two.pickle.size_bytes, two.pickle.member) == (one.end + len(second), len(second), "x/data.pkl")


def test_no_more_is_read_than_needed():
    class Counted(Memory):
        asked = 0

        def read_at(self, offset, size):
            self.asked += size
            return super().read_at(offset, size)

    source = Counted(pickle.dumps({"a": 1, "blob": b"x" * 50_000_000, "b": 2}) + b"z" * 50_000_000)
    done = run(source)
    assert done.value.get("b") == 2
    assert type(done.value.get("blob")) is Blob
    assert done.value.get("blob").size_bytes == 50_000_000
    assert source.asked < 400_000


def test_a_source_that_fails_is_damage():
    class Broken(Memory):
        def read_at(self, *_):
            raise ReadError("the stream of the member is damaged", kind="damaged", member="data.pkl")

    done = run(Broken(b"x" * 100), member="data.pkl")
    assert (done.pickle.stopped.kind, done.value) == ("damaged", None)


def test_known_persistent_ids():
    done = run(Memory(b"}X\1\0\0\0aPkey\ns."), known={"key": 7})
    assert type(done.value) is Dict
    assert done.value.get("a") == 7

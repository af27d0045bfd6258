"""Pickles that are broken, endless or too much: nothing in them may cost more than its bytes."""

import struct

from tests.hostile.forge import (
    EMPTY_DICT,
    EMPTY_LIST,
    EMPTY_TUPLE,
    FALSE,
    NONE,
    STORAGE,
    TENSOR_BYTES,
    TRUE,
    Member,
    Sample,
    archive,
    call,
    data,
    items,
    mkdir,
    named,
    number,
    state_dict,
    storage,
    stream,
    tensor,
    text,
    torch_members,
    torch_zip,
)

BROKEN = ("MDR104|MDR105",)
HUGE = 1 << 62


def legacy(magic: bytes, *others: bytes) -> bytes:
    return b"".join((magic, *others))


MAGIC = number(0x1950A86A20F9469CFC6C)
PROTOCOL = stream(b"M\xe9\x03")
SYS_INFO = stream(EMPTY_DICT + b"(" + text("protocol_version") + b"M\xe9\x03" + text("little_endian") + TRUE + b"u")
OBJECT = stream(state_dict(stored=storage("0", 4, "cpu", NONE)))
KEYS = stream(EMPTY_LIST + text("0") + b"a")
ELEMENTS = struct.pack("<q", 4) + TENSOR_BYTES


def laughs() -> bytes:
    """A list of two references to a list of two references to …, sixty times: 2**60 leaves."""
    levels = b"".join(
        EMPTY_LIST + b"q" + bytes([level + 1]) + b"(" + b"h" + bytes([level]) + b"h" + bytes([level]) + b"e"
        for level in range(60)
    )
    return EMPTY_LIST + b"q\0" + levels


def dict_laughs() -> bytes:
    """The same with dicts, which hold what looks like a state_dict."""
    levels = b"".join(
        EMPTY_DICT
        + b"q"
        + bytes([level + 1])
        + b"("
        + text("a")
        + b"h"
        + bytes([level])
        + text("b")
        + b"h"
        + bytes([level])
        + b"u"
        for level in range(60)
    )
    return EMPTY_DICT + b"q\0(" + text("w") + tensor() + b"u" + levels


CLAIMS = [
    Sample("BINBYTES8 of exabytes", lambda _: stream(b"\x8e" + struct.pack("<Q", HUGE), protocol=4), BROKEN),
    Sample("BINUNICODE8 of exabytes", lambda _: stream(b"\x8d" + struct.pack("<Q", HUGE), protocol=4), BROKEN),
    Sample("BYTEARRAY8 of a terabyte", lambda _: stream(b"\x96" + struct.pack("<Q", 1 << 40), protocol=5), BROKEN),
    Sample("BINBYTES of four gigabytes", lambda _: stream(b"B\xff\xff\xff\xff", protocol=3), BROKEN),
    Sample("BINSTRING of minus one", lambda _: stream(b"T\xff\xff\xff\xff"), BROKEN),
    Sample("LONG4 of two gigabytes", lambda _: stream(b"\x8b\xff\xff\xff\x7f"), BROKEN),
    Sample("LONG4 of minus one", lambda _: stream(b"\x8b\xff\xff\xff\xff"), BROKEN),
    Sample("a number of a million bytes", lambda _: stream(b"\x8b" + struct.pack("<i", 1_000_000) + b"\x7f" * 1_000_000), ("MDR109|MDR120|MDR227",)),
    Sample("a number of a million digits", lambda _: b"I" + b"9" * 1_000_000 + b"\n.", ("MDR101|MDR105|MDR107|MDR120|MDR227",)),
    Sample("a long of a million digits", lambda _: stream(b"L" + b"9" * 1_000_000 + b"L\n"), ("MDR105|MDR120|MDR227",)),
    Sample("a memo index of four billion", lambda _: stream(EMPTY_DICT, b"r\xff\xff\xff\xff"), (), silent=True),
    Sample("a memo index in text", lambda _: stream(EMPTY_DICT, b"p99999999999999999999\n"), BROKEN),
    Sample("a negative memo index", lambda _: stream(EMPTY_DICT, b"p-1\n"), BROKEN),
    Sample("an unknown memo entry", lambda _: stream(b"h\x07"), BROKEN),
    Sample("a frame of exabytes", lambda _: stream(b"\x95" + struct.pack("<Q", HUGE), EMPTY_DICT, protocol=4), ("MDR104|MDR105|MDR227",)),
    Sample("an extension code of zero", lambda _: stream(b"\x82\0"), BROKEN),
    Sample("a negative extension code", lambda _: stream(b"\x84\xff\xff\xff\xff"), BROKEN),
    Sample("an out-of-band buffer", lambda _: stream(b"\x97", protocol=5), ("MDR109|MDR120|MDR227",)),
    Sample("protocol 99", lambda _: b"\x80\x63N.", ("MDR101|MDR105",)),
    Sample("an endless line", lambda _: stream(b"c" + b"a" * 3_000_000), ("MDR104|MDR105|MDR120",)),
]  # fmt: skip

SHAPES = [
    Sample("a hundred thousand lists deep", lambda _: stream(EMPTY_LIST * 100_000, b"a" * 99_999), ("MDR120|MDR227",)),
    Sample("a hundred thousand tuples deep", lambda _: stream(EMPTY_TUPLE, b"\x85" * 100_000), ("MDR120|MDR227",)),
    Sample("a hundred thousand dicts deep", lambda _: stream((EMPTY_DICT + b"N") * 100_000 + NONE, b"s" * 100_000), ("MDR120|MDR227",)),
    Sample("a hundred thousand calls deep", lambda _: stream(named("collections", "OrderedDict") * 100_000, EMPTY_TUPLE, b"R" + b"\x85R" * 99_999), (), silent=True),
    Sample("a hundred thousand marks", lambda _: stream(b"(" * 100_000), BROKEN),
    Sample("objects in objects", lambda _: stream(*[named("a", "B") + b")\x81" + EMPTY_DICT + text("x")] * 20_000, NONE, b"sb" * 20_000), ("MDR205|MDR227",)),
    Sample("a list in itself", lambda _: torch_zip(EMPTY_LIST, b"q\0", b"h\0a"), ("MDR227",)),
    Sample("a dict in itself", lambda _: torch_zip(EMPTY_DICT, b"q\0", text("w"), b"h\0s"), ("MDR227",)),
    Sample("a tuple in itself", lambda _: torch_zip(EMPTY_LIST, b"q\0", b"h\0\x85q\1", b"0h\0h\1a"), (), silent=True),
    Sample("an instance in itself", lambda _: torch_zip(named("argparse", "Namespace"), b")\x81q\0", EMPTY_DICT, text("me"), b"h\0s", b"b"), (), silent=True),
    Sample("a billion laughs", lambda _: stream(laughs()), (), silent=True),
    Sample("a billion laughs of state_dicts", lambda _: torch_zip(dict_laughs()), (), silent=True),
    Sample("keys that collide", lambda _: stream(EMPTY_DICT, b"(", *(number((2**61 - 1) * (index + 1)) + NONE for index in range(50_000)), b"u"), (), silent=True),
    Sample("keys that cannot be hashed", lambda _: torch_zip(EMPTY_DICT, EMPTY_LIST, NONE, b"s"), (), silent=True),
    Sample("a million values", lambda _: stream(EMPTY_LIST, b"(" + NONE * 1_000_000 + b"e"), ("MDR109|MDR120|MDR227",)),
    Sample("twelve million values", lambda _: stream(EMPTY_LIST, b"(" + NONE * 12_000_000 + b"e"), ("MDR120",)),
    Sample("a million empty lists", lambda _: stream(EMPTY_LIST, b"(" + EMPTY_LIST * 1_000_000 + b"e"), ("MDR120|MDR227",)),
    Sample("four million memo entries", lambda _: stream(EMPTY_LIST, b"\x94" * 4_000_000, protocol=4), (), silent=True),
    Sample("a hundred thousand globals", lambda _: stream(b"".join(named("a", f"f{index}") + b"0" for index in range(100_000)), NONE), ("MDR120|MDR205",)),
    Sample("a hundred thousand calls of strangers", lambda _: stream(b"".join(named("a", f"f{index}") + b")R0" for index in range(100_000)), NONE), ("MDR120|MDR203|MDR205",)),
    Sample("twenty thousand tensors of one storage", lambda _: torch_zip(EMPTY_LIST, b"(", tensor() * 20_000, b"e"), (), silent=True),
    Sample("ten thousand storages that are not there", lambda _: torch_zip(EMPTY_DICT, b"(", *(
        text(str(index)) + tensor(storage(str(index))) for index in range(10_000)
    ), b"u"), ("MDR112",)),
    Sample("five thousand keys with a prefix twenty times", lambda _: torch_zip(EMPTY_DICT, b"(", *(text("module." * 20 + str(index)) + tensor() for index in range(5_000)), b"u"), ("MDR222",)),
    Sample("an ordered dict copied again and again", lambda _: stream(
        EMPTY_LIST, b"q\0(", *[items(NONE, NONE)] * 10_000, b"e", b"0", *[named("collections", "OrderedDict") + b"h\0\x85R0"] * 3_000, NONE
    ), ("MDR120|MDR227",)),
    Sample("a key of a megabyte", lambda _: torch_zip(EMPTY_DICT, text("k" * 1_000_000), tensor(), b"s"), (), silent=True),
    Sample("a state of a thousand states", lambda _: stream(named("argparse", "Namespace") + b")\x81", (EMPTY_DICT + b"b") * 100_000), (), silent=True),
]  # fmt: skip

TENSORS = [
    Sample("a shape of exabytes", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(shape=(1 << 40, 1 << 40), strides=(1 << 40, 1)), b"s"), ("MDR114",)),
    Sample("a shape of 10,000 dimensions", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(shape=(2,) * 10_000, strides=(1,) * 10_000), b"s"), (), silent=True),
    Sample("negative sizes and strides", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(shape=(-4,), strides=(-1,)), b"s"), (), silent=True),
    Sample("an offset of exabytes", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(offset=1 << 61), b"s"), ("MDR114",)),
    Sample("a negative offset", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(offset=-8), b"s"), (), silent=True),
    Sample("strides that leave the storage", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(shape=(2, 2), strides=(1 << 50, 1)), b"s"), ("MDR114",)),
    Sample("a storage of exabytes", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(storage(numel=HUGE)), b"s"), ("MDR113",)),
    Sample("a storage of minus one", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(storage(numel=-1)), b"s"), (), silent=True),
    Sample("a storage with a path for a key", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(storage("../../../etc/passwd")), b"s"), ("MDR112",)),
    Sample("a storage on a strange device", lambda _: torch_zip(EMPTY_DICT, text("w"), tensor(storage("0", 4, "\x1b[31mcuda:0\n")), b"s"), (), silent=True),
    Sample("a storage class that is a function", lambda _: torch_zip(items(text("storage"), named("os", "system"), text("0"), text("cpu"), number(4)), b"Q"), ("MDR202|MDR203|MDR105",)),
    Sample("a persistent id of nothing", lambda _: torch_zip(NONE, b"Q"), (), silent=True),
    Sample("a persistent id in text", lambda _: archive(*torch_members(b"Pstorage\n.")), (), silent=True),
    Sample("a tensor without arguments", lambda _: torch_zip(call(named("torch._utils", "_rebuild_tensor_v2"))), (), silent=True),
    Sample("a tensor with lists for arguments", lambda _: torch_zip(call(named("torch._utils", "_rebuild_tensor_v2"), EMPTY_LIST, EMPTY_LIST, EMPTY_LIST, EMPTY_LIST, EMPTY_LIST, EMPTY_LIST)), (), silent=True),
    Sample("a tensor of a tensor of a tensor", lambda _: torch_zip(
        *[named("torch._utils", "_rebuild_parameter") + b"("] * 5_000, tensor(), *[FALSE + EMPTY_DICT + b"tR"] * 5_000
    ), (), silent=True),
    Sample("a sparse tensor of nonsense", lambda _: torch_zip(call(named("torch._utils", "_rebuild_sparse_tensor"), named("torch", "sparse_coo"), items(NONE, NONE, NONE))), (), silent=True),
    Sample("no data for the tensor", lambda _: archive(*[member for member in torch_members(stream(state_dict())) if not member.name.endswith("/0")]), ("MDR112",)),
]  # fmt: skip

LONG = stream((NONE + b"0") * 1_000_000, NONE)
LEGACY = [
    Sample("payload instead of the magic number", lambda c: legacy(stream(call(named("os", "mkdir"), text(c)))), ("MDR202",), "pickle"),
    Sample("magic number from eval", lambda c: legacy(
        stream(call(named("builtins", "eval"), text(f"[__import__('os').mkdir({c!r}), {0x1950A86A20F9469CFC6C}][1]"))),
        PROTOCOL, SYS_INFO, OBJECT, KEYS, ELEMENTS,
    ), ("MDR202",), "torch"),
    *[
        Sample(f"payload in pickle {place} of a legacy file", lambda c, place=place: legacy(*(
            stream(mkdir(c), b"0", content[2:-1]) if index == place else content
            for index, content in enumerate((stream(MAGIC), PROTOCOL, SYS_INFO, OBJECT, KEYS, ELEMENTS))
        )), ("MDR202",), "torch")
        for place in range(5)
    ],
    Sample("legacy keys of nonsense", lambda _: legacy(stream(MAGIC), PROTOCOL, SYS_INFO, OBJECT, stream(EMPTY_DICT), ELEMENTS), ("MDR104|MDR105|MDR112",)),
    Sample("legacy with a million keys", lambda _: legacy(stream(MAGIC), PROTOCOL, SYS_INFO, OBJECT, stream(EMPTY_LIST, b"(", *[text("0")] * 200_000, b"e"), ELEMENTS), ("MDR104|MDR105",)),
    Sample("legacy storage of exabytes", lambda _: legacy(stream(MAGIC), PROTOCOL, SYS_INFO, stream(EMPTY_DICT, text("w"), tensor(
        storage("0", HUGE, "cpu", NONE)), b"s"), KEYS, struct.pack("<q", HUGE) + TENSOR_BYTES), ("MDR104|MDR105",)),
    Sample("legacy protocol of another time", lambda _: legacy(stream(MAGIC), stream(b"M\xff\xff"), SYS_INFO, OBJECT, KEYS, ELEMENTS), ("MDR105",)),
    Sample("a pickle behind the first", lambda c: stream(EMPTY_DICT) + stream(mkdir(c)), ("MDR118", "MDR202")),
    Sample("a pickle behind the first in data.pkl", lambda c: archive(*torch_members(stream(state_dict()) + stream(mkdir(c)))), ("MDR118|MDR202",)),
    Sample("a thousand pickles in a row", lambda _: stream(NONE) * 1_000, ("MDR118",)),
    Sample("bytes that are pickles that are pickles", lambda c: stream(data(stream(data(stream(data(stream(data(stream(mkdir(c)))))))))), ("MDR109|MDR202",)),
    Sample("a thousand bytes values that are pickles", lambda _: stream(EMPTY_LIST, b"(", *[data(stream(EMPTY_LIST * 1_000))] * 1_000, b"e", protocol=3), (), silent=True),
    Sample("sixty long pickles among the values", lambda _: archive(torch_members(stream(EMPTY_LIST, b"(", *[data(LONG)] * 60, b"e", protocol=3))[0]._replace(method=8), *torch_members(b"")[1:]), ("MDR120",)),
    Sample("eight long pickles in a row", lambda _: archive(torch_members(LONG * 8)[0]._replace(method=8), *torch_members(b"")[1:]), ("MDR118",)),
    Sample("a zip of laughs", lambda _: archive(*[Member(f"{index}.pkl", stream(dict_laughs())) for index in range(32)]), ("MDR120",)),
    Sample("a zip of long pickles", lambda _: archive(*[Member(f"{index}.pkl", LONG, method=8) for index in range(32)]), ("MDR120",)),
    Sample("a package of laughs", lambda _: archive(Member("a/.data/extern_modules", b""), Member("a/.data/version", b"6"), *[Member(f"a/m/{index}.pkl", stream(dict_laughs())) for index in range(60)]), ("MDR120",)),
    Sample("storage keys as escape sequences", lambda _: torch_zip(EMPTY_DICT, text("\x1b]0;owned\x07[bold red]w[/]\n<b>\u202e"), STORAGE, b"s"), (), silent=True),
]  # fmt: skip

SAMPLES = [*CLAIMS, *SHAPES, *TENSORS, *LEGACY]

"""Zip and tar archives whose headers lie, safetensors, compressed files, foreign files and folders."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zlib
from functools import cache

from tests.hostile.forge import (
    EMPTY_DICT,
    EMPTY_LIST,
    NONE,
    TENSOR_BYTES,
    Content,
    Member,
    Sample,
    archive,
    mkdir,
    state_dict,
    stream,
    torch_members,
    with_payload,
)

GOOD = stream(state_dict())
WHOLE = archive(*torch_members(GOOD))
ROOT = "archive/"


def evil(canary: str) -> bytes:
    return stream(mkdir(canary))


def with_member(*members: Member) -> bytes:
    return archive(*torch_members(GOOD), *members)


def with_pickle(member: Member) -> bytes:
    """The archive with this member instead of its data.pkl."""
    return archive(member, *torch_members(GOOD)[1:])


@cache
def zeros(megabytes: int) -> bytes:
    """So many deflated zeros."""
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def end_of_directory(count: int, size: int, offset: int) -> bytes:
    """A zip64 end record with these claims, its locator, and the plain end record that points to it."""
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sIQI", b"PK\6\7", 0, 0, 1) + b"PK\5\6" + b"\0\0\0\0" + b"\xff" * 12 + b"\0\0"


DATA = ROOT + "data.pkl"
ZIPS = [
    Sample("good pickle first, bad one second", lambda c: with_member(Member(DATA, evil(c))), ("MDR110", "MDR202")),
    Sample("bad pickle first, good one second", lambda c: archive(Member(DATA, evil(c)), *torch_members(GOOD)), ("MDR110", "MDR202")),
    Sample("a bad pickle in other letters", lambda c: with_member(Member(ROOT + "DATA.PKL", evil(c))), ("MDR110|MDR202",)),
    Sample("local header names another member", lambda c: with_pickle(Member(DATA, evil(c), local_name=ROOT + "data.txt")), ("MDR111", "MDR202")),
    Sample("local header names it differently long", lambda c: with_pickle(Member(DATA, evil(c), local_name="x")), ("MDR111",)),
    Sample("local header has another size", lambda c: with_pickle(Member(DATA, evil(c), local_size=3)), ("MDR111", "MDR202")),
    Sample("local header says deflated", lambda c: with_pickle(Member(DATA, evil(c), local_method=8)), ("MDR111",)),
    Sample("encrypted by its flag only", lambda c: with_pickle(Member(DATA, evil(c), flags=1)), ("MDR115",)),
    Sample("patched by its flag", lambda c: with_pickle(Member(DATA, evil(c), flags=0x20)), ("MDR105|MDR111|MDR115|MDR202",)),
    Sample("strongly encrypted by its flag", lambda c: with_pickle(Member(DATA, evil(c), flags=0x41)), ("MDR115",)),
    Sample("masked by its flag", lambda c: with_pickle(Member(DATA, evil(c), flags=0x2000)), ("MDR202",)),
    Sample("wrong CRC", lambda c: with_pickle(Member(DATA, evil(c), crc=1)), ("MDR105", "MDR202"), "torch"),
    Sample("bzip2 as the method", lambda c: with_pickle(Member(DATA, evil(c), method=12, raw=bz2.compress(evil(c)))), ("MDR105",)),
    Sample("an unknown method", lambda c: with_pickle(Member(DATA, evil(c), method=99)), ("MDR105",)),
    Sample("deflated", lambda c: with_pickle(Member(DATA, evil(c), method=8)), ("MDR202",), "torch"),
    Sample("deflated to less than it says", lambda c: with_pickle(Member(DATA, evil(c), method=8, size_bytes=1 << 20)), ("MDR105",)),
    Sample("deflated to more than it says", lambda c: with_pickle(Member(DATA, evil(c), method=8, size_bytes=20)), ("MDR105",)),
    Sample("deflated nonsense", lambda _: with_pickle(Member(DATA, GOOD, method=8, raw=b"\xff" * 50)), ("MDR105",)),
    Sample("size of four gigabytes", lambda c: with_pickle(Member(DATA, evil(c), size_bytes=0xFFFFFFFE)), ("MDR202",)),
    Sample("packed size of four gigabytes", lambda c: with_pickle(Member(DATA, evil(c), packed_bytes=0xFFFFFFFE)), ("MDR104|MDR105",)),
    Sample("offset behind the end", lambda c: with_pickle(Member(DATA, evil(c), offset=0x7FFFFFFF)), ("MDR104|MDR105|MDR111",)),
    Sample("two members on the same bytes", lambda c: with_member(Member(ROOT + "extra.pkl", evil(c), offset=0)), ("MDR104|MDR105|MDR111",)),
    Sample("a directory for a pickle", lambda _: with_pickle(Member(DATA + "/", b"")), ("MDR105",)),
    Sample("no data.pkl", lambda _: archive(*torch_members(GOOD)[1:]), ("MDR105",)),
    Sample("a bomb for a pickle", lambda _: with_pickle(Member(DATA, b"", method=8, raw=zeros(200), size_bytes=200 << 20)), ("MDR105|MDR120",)),
    Sample("a bomb that says it is small", lambda _: with_pickle(Member(DATA, b"", method=8, raw=zeros(200), size_bytes=1000)), ("MDR105|MDR120",)),
    Sample("a bomb of opcodes", lambda _: with_pickle(Member(DATA, stream(EMPTY_LIST * 20_000_000, b"a" * 19_999_999), method=8)), ("MDR105|MDR120",)),
    Sample("a hundred bombs", lambda _: with_member(*[Member(f"{ROOT}{n}.pkl", b"", method=8, raw=BOMB, size_bytes=60 << 20) for n in range(100)]), ("MDR117|MDR120|MDR121",)),
    Sample("a version of a million digits", lambda _: archive(*torch_members(GOOD)[:3], Member(ROOT + "version", b"9" * 1_000_000)), ("MDR105",)),
    Sample("a byte order of escapes", lambda _: archive(torch_members(GOOD)[0], Member(ROOT + "byteorder", b"\x1b[31m[red]x"), *torch_members(GOOD)[2:]), ("MDR105",)),
    Sample("a pickle that nothing refers to", lambda c: with_member(Member(ROOT + "hidden.bin", evil(c))), ("MDR121|MDR202",)),
    Sample("a checkpoint in a checkpoint", lambda c: with_member(Member(ROOT + "inner.pt", with_payload(mkdir(c)))), ("MDR202",)),
    Sample("a pickle as a storage", lambda c: archive(*torch_members(GOOD)[:2], Member(ROOT + "data/0", evil(c)), torch_members(GOOD)[3]), ("MDR113|MDR202",)),
    Sample("a bad constants.pkl", lambda c: with_member(Member(ROOT + "constants.pkl", evil(c)), Member(ROOT + "code/__torch__.py", b"")), ("MDR202",)),
    Sample("a bad pickle in a package", lambda c: archive(
        Member(ROOT + ".data/extern_modules", b"os"), Member(ROOT + ".data/version", b"6"), Member(ROOT + "model/model.pkl", evil(c)), Member(ROOT + ".data/python_version", b"3.11"),
    ), ("MDR202",)),
    Sample("a bad pickle in an export", lambda c: archive(
        Member("archive_format", b"pt2"), Member("serialized_exported_program.json", b"{}"), Member("version", b"8.2"), Member("serialized_state_dict.pt", with_payload(mkdir(c))),
    ), ("MDR202",)),
    Sample("names that lead out", lambda _: with_member(*[Member(name, b"x") for name in ("../../etc/passwd", "/etc/passwd", "..\\x", "C:\\x", "a\0b")]), ("MDR119",)),
    Sample("names of nonsense bytes", lambda _: with_member(Member(b"archive/\xff\xfe\x1b[31m", b"x", flags=0x800)), ("MDR119",)),
    Sample("names that print", lambda _: with_member(*[Member(name, b"x") for name in NAMES]), (), silent=True),
    Sample("a root that leads out", lambda _: archive(*torch_members(GOOD, "..")), ("MDR119",)),
    Sample("a root of markup", lambda _: archive(*torch_members(GOOD, "[bold]\x1b]0;x\x07")), (), silent=True),
    Sample("something before", lambda _: b"#!/bin/sh\nexit\n" + WHOLE, ("MDR117",)),
    Sample("something behind", lambda _: WHOLE + b"#!/bin/sh\nexit\n", ("MDR117",)),
    Sample("another archive behind", lambda c: WHOLE + archive(*torch_members(evil(c))), ("MDR117", "MDR202")),
    Sample("a good archive behind a bad one", lambda c: archive(*torch_members(evil(c))) + WHOLE, ("MDR117",)),
    Sample("a pickle, and an archive behind", lambda c: evil(c) + WHOLE, ("MDR202",), "pickle"),
    Sample("a picture, and an archive behind", lambda c: b"\x89PNG\r\n\x1a\n" + bytes(50) + with_payload(mkdir(c)), ("MDR102|MDR202",)),
    Sample("an end record in the comment", lambda _: archive(*torch_members(GOOD), comment=b"PK\5\6" + bytes(18)), (), silent=True),
    Sample("a bad archive in the comment", lambda c: archive(*torch_members(GOOD), comment=with_payload(mkdir(c))), (), silent=True),
    Sample("only an end record", lambda _: b"PK\5\6" + bytes(18), ("MDR102",)),
    Sample("a count that is wrong", lambda _: archive(*torch_members(GOOD), count=9), ("MDR105",)),
    Sample("a directory of exabytes", lambda _: WHOLE[:-22] + end_of_directory(1 << 60, 1 << 60, 0), ("MDR104|MDR105|MDR120",)),
    Sample("a billion members by the end record", lambda _: WHOLE[:-22] + end_of_directory(10**9, 400, 0), ("MDR104|MDR105|MDR120",)),
    Sample("a hundred thousand members", lambda _: many_members(100_000), (), silent=True),
    Sample("a million members", lambda _: many_members(1_000_000), ("MDR120",)),
    Sample("a hundred thousand members of one name", lambda _: with_member(*[Member("archive/x", b"")] * 20_000), ("MDR110",)),
    Sample("a member name of 65,535 bytes", lambda _: with_member(Member("archive/" + "x" * 65_000, b"x")), (), silent=True),
    Sample("a cut archive", lambda _: WHOLE[:-60], ("MDR104",)),
    Sample("a cut archive with a bad pickle", lambda c: with_payload(mkdir(c))[:-60], ("MDR104", "MDR202")),
    Sample("local headers without end", lambda _: b"PK\3\4\0\0\x08\x08" + bytes(22) + b"PK\3\4" * 200_000, ("MDR104|MDR105|MDR120",)),
]  # fmt: skip

BOMB = zeros(60)
NAMES = [
    "archive/[bold red]x[/]",
    "archive/\x1b[2J\x1b]0;owned\x07",
    "archive/line\nbreak\r",
    "archive/\u202etxt.exe",
    "archive/<script>",
    "archive/" + "é" * 300,
]


def many_members(number_of: int) -> bytes:
    """An archive with a directory of so many members, all of them the same empty one."""
    fields = (20, 20, 0, 0, 0, 33, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0)
    head = struct.pack("<4s6H3I5H2I", b"PK\1\2", *fields)
    body = b"PK\3\4" + bytes(26) + b"archive/"
    directory = b"".join(head + b"%09d" % index for index in range(number_of))
    record = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, number_of, number_of, len(directory), len(body))
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(body) + len(directory), 1)
    return body + directory + record + locator + b"PK\5\6" + bytes(4) + b"\xff" * 12 + bytes(2)


# --------------------------------------------------------------------------- tar


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def old_torch_tar(pickled: bytes) -> bytes:
    """The format of torch 0.1: no storages, no tensors, and the object."""
    none = stream(b"K\0")
    return tarred(
        {"sys_info": stream(EMPTY_DICT), "pickle": pickled, "tensors": none, "storages": none + stream(EMPTY_LIST)}
    )


def tar_header(size: bytes, name: bytes = b"model.pt", kind: bytes = b"0") -> bytes:
    header = name.ljust(100, b"\0") + b"0000644\0" * 3 + size.ljust(12, b"\0") + b"0" * 11 + b"\0" + b" " * 8 + kind
    header = header.ljust(257, b"\0") + b"ustar\x0000"
    header = header.ljust(512, b"\0")
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


TARS = [
    Sample("a bad pickle in the tar of torch 0.1", lambda c: old_torch_tar(evil(c)), ("MDR202",)),
    Sample("a bad storages member", lambda c: tarred({"sys_info": stream(EMPTY_DICT), "pickle": stream(EMPTY_DICT), "tensors": stream(b"K\0"), "storages": evil(c)}), ("MDR202|MDR105",)),
    Sample("a tar that counts a billion storages", lambda _: tarred({"sys_info": stream(EMPTY_DICT), "pickle": stream(EMPTY_DICT), "tensors": stream(b"J\0\xca\x9a\x3b"), "storages": stream(b"J\0\xca\x9a\x3b")}), ("MDR104|MDR105|MDR120",)),
    Sample("a bad pickle in a tar", lambda c: tarred({"x/model.pt": with_payload(mkdir(c))}), ("MDR202",)),
    Sample("a member of exabytes", lambda _: tar_header(b"\x80" + b"\x7f" * 11) + bytes(1024), ("MDR104|MDR105",)),
    Sample("a name of gigabytes", lambda _: tar_header(b"77777777777", kind=b"L") + bytes(1024), ("MDR102|MDR104|MDR105",)),
    Sample("a pax header of gigabytes", lambda _: tar_header(b"77777777777", kind=b"x") + bytes(1024), ("MDR102|MDR104|MDR105",)),
    Sample("twenty thousand members", lambda _: tar_header(b"0") * 20_000, ("MDR120",)),
    Sample("a hundred thousand headers of links", lambda _: tar_header(b"0", kind=b"g") * 100_000, ("MDR102|MDR105|MDR120",)),
    Sample("members that lead out of the tar", lambda _: tarred({"../../model.pt": WHOLE}), ("MDR119",)),
]  # fmt: skip


# --------------------------------------------------------------------------- compressed files


def nested_zips(levels: int, content: bytes) -> bytes:
    for level in range(levels):
        content = archive(Member(f"{level}.zip", content))
    return content


COMPRESSED = [
    Sample("a bad pickle in gzip", lambda c: gzip.compress(with_payload(mkdir(c))), ("MDR116", "MDR202")),
    Sample("a bad pickle in xz", lambda c: lzma.compress(evil(c)), ("MDR116", "MDR202")),
    Sample("a bad pickle in zlib", lambda c: zlib.compress(evil(c)), ("MDR202",)),
    Sample("a bad pickle in a tar in gzip", lambda c: gzip.compress(tarred({"model.pth": with_payload(mkdir(c))})), ("MDR202",)),
    Sample("a bad pickle three zips deep", lambda c: nested_zips(2, with_payload(mkdir(c))), ("MDR202",)),
    Sample("a bad pickle ten zips deep", lambda c: nested_zips(10, with_payload(mkdir(c))), ("MDR120",)),
    Sample("a bad pickle behind an empty stream", lambda c: gzip.compress(b"") + gzip.compress(evil(c)), ("MDR202",)),
    Sample("a gzip bomb", lambda _: b"\x1f\x8b\x08" + bytes(7) + zeros(280), ("MDR120",)),
    Sample("a bzip2 bomb", lambda _: bz2.compress(bytes(66 << 20)), ("MDR120",)),
    Sample("an xz bomb", lambda _: lzma.compress(bytes(260 << 20), preset=0), ("MDR120",)),
    Sample("xz with a dictionary of four gigabytes", lambda _: lzma.compress(b"x", lzma.FORMAT_ALONE)[:1] + b"\0\0\0\x80" + lzma.compress(b"x", lzma.FORMAT_ALONE)[5:], ("MDR105|MDR102|MDR101",)),
    Sample("a hundred thousand empty gzip streams", lambda _: gzip.compress(b"") * 100_000, ("MDR120",)),
    Sample("gzip with a name of a megabyte", lambda c: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 1_000_000 + b"\0" + gzip.compress(evil(c))[10:], ("MDR202",)),
    Sample("a zip of thirty bombs", lambda _: archive(*[Member(f"{n}.pkl", b"", method=8, raw=BOMB, size_bytes=60 << 20) for n in range(30)]), ("MDR120",)),
    Sample("a zip of a thousand models", lambda _: archive(*[Member(f"{n}.pkl", stream(NONE)) for n in range(1_000)]), ("MDR120",)),
    Sample("a zip that is in itself", lambda _: archive(Member("self.zip", b"", raw=WHOLE, size_bytes=len(WHOLE), offset=0)), ("MDR105|MDR111|MDR116",)),
    Sample("a bad pickle in a MAR", lambda c: archive(Member("MAR-INF/MANIFEST.json", b"{}"), Member("model.pt", with_payload(mkdir(c)))), ("MDR202",)),
    Sample("an encrypted zip", lambda c: archive(Member("model.pt", with_payload(mkdir(c)), flags=1)), ("MDR115",)),
    Sample("a 7-Zip archive", lambda _: b"7z\xbc\xaf'\x1c\0\4" + bytes(60), ("MDR102",)),
    Sample("a bad array of objects", lambda c: b"\x93NUMPY\1\0\x76\0" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n" + evil(c), ("MDR202",)),
    Sample("an array header of gigabytes", lambda _: b"\x93NUMPY\2\0\xff\xff\xff\x7f{'descr': '|O'", ("MDR102",)),
]  # fmt: skip


# --------------------------------------------------------------------------- safetensors and JSON


def header(value: object, content: bytes = b"", length: int | None = None) -> bytes:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + content


def entry(start: int = 0, end: int = 4, **more: object) -> dict[str, object]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [start, end], **more}


SAFETENSORS = [
    Sample("a header of exabytes", lambda _: header({"w": entry()}, length=1 << 60), ("MDR123",)),
    Sample("a header of ninety megabytes", lambda _: header({"w": entry()}, length=90_000_000), ("MDR104",)),
    Sample("a header of forty megabytes of spaces", lambda _: header(b"{}" + b" " * 40_000_000), ("MDR120",)),
    Sample("a header of brackets", lambda _: header(b'{"a":' + b"[" * 1_000_000), ("MDR120|MDR123",)),
    Sample("a header of ten million numbers", lambda _: header(b'{"a":[' + b"1," * 10_000_000 + b"1]}"), ("MDR120",)),
    Sample("a name of a megabyte and escapes", lambda _: header({"\x1b[31m[red]\n" + "x" * 1_000_000: entry()}, TENSOR_BYTES[:4]), (), silent=True),
    Sample("two tensors on the same bytes", lambda _: header({"a": entry(), "b": entry()}, bytes(4)), ("MDR123",)),
    Sample("bytes that no tensor covers", lambda c: header({"a": entry()}, bytes(4) + evil(c)), ("MDR117|MDR123",)),
    Sample("a name that comes twice", lambda _: header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', bytes(8)), ("MDR110|MDR123",)),
    Sample("offsets of exabytes", lambda _: header({"a": entry(0, 1 << 62)}, bytes(4)), ("MDR104|MDR123",)),
    Sample("a shape that overflows", lambda _: header({"a": entry(0, 0, shape=[1 << 62, 4])}), ("MDR123",)),
    Sample("a number of a million digits in JSON", lambda _: header(b'{"a":' + b"9" * 1_000_000 + b"}"), ("MDR123",)),
    Sample("metadata of escapes", lambda _: header({"__metadata__": {"format": "\x1b]0;x\x07[bold]", "\u202e": "x"}, "a": entry()}, bytes(4)), (), silent=True),
]  # fmt: skip

PAGES = [
    Sample("a page with an evil title", lambda _: b"<html><title>\x1b[2J[bold red]x[/] &#27;[31m</title>", ("MDR107",)),
    Sample("a page of comments", lambda _: b"<!--" * 100_000, ("MDR107|MDR101|MDR102",)),
    Sample("an XML of entities", lambda _: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "' + b"a" * 1000 + b'">]><Error><Code>&a;&a;</Code></Error>', ("MDR107",)),
    Sample("a JSON of brackets", lambda _: b"[" * 1_000_000, ("MDR107",)),
    Sample("an LFS pointer of exabytes", lambda _: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 999999999999999999\n", ("MDR106",)),
    Sample("nothing", lambda _: b"", ("MDR108",)),
    Sample("a byte", lambda _: b"\x80", ("MDR104|MDR105",)),
    Sample("zeros", lambda _: bytes(1_000_000), ("MDR108",)),
    Sample("noise", lambda _: bytes((index * 7919 + 13) % 251 + 4 for index in range(5000)), ("MDR101",)),
    Sample("an ExecuTorch program that points everywhere", lambda _: b"\x10\0\0\0ET12" + b"\xff" * 400, ("MDR105|MDR102",)),
    Sample("an ExecuTorch program that points to itself", lambda _: b"\x08\0\0\0ET12" + b"\x04\0\0\0" * 400, ("MDR105|MDR102",)),
]  # fmt: skip


# --------------------------------------------------------------------------- folders


def folder(weight_map: dict[str, str], **files: bytes) -> Content:
    index = json.dumps({"metadata": {"total_size": 4}, "weight_map": weight_map}).encode()
    good = header({"a": entry()}, bytes(4))
    return {"model.safetensors.index.json": index, "model-00001-of-00001.safetensors": good, **files}


SHARD = "model-00001-of-00001.safetensors"
FOLDERS = [
    Sample("an index that leads out", lambda _: folder({"a": SHARD, "b": "../../../etc/passwd", "c": "/etc/passwd"}), ("MDR119|MDR125",)),
    Sample("an index that names itself", lambda _: folder({"a": SHARD, "b": "model.safetensors.index.json"}), (), silent=True),
    Sample("an index of a hundred thousand files", lambda _: folder({str(n): f"{n}.safetensors" for n in range(100_000)}), ("MDR120",)),
    Sample("an index of brackets", lambda _: {"model.safetensors.index.json": b'{"weight_map":' + b"[" * 1_000_000}, ("MDR120|MDR125",)),
    Sample("an index of names that print", lambda _: folder({"a": SHARD, "b": "\x1b[31m[red]\n\u202e.safetensors"}), ("MDR125",)),
    Sample("a configuration of fifty megabytes", lambda _: {"config.json": b'{"a": "' + b"x" * (50 << 20) + b'"}', "model.safetensors": header({"a": entry()}, bytes(4))}, ("MDR120",)),
    Sample("a configuration of brackets", lambda _: {"config.json": b"[" * 100_000, "model.safetensors": header({"a": entry()}, bytes(4))}, ("MDR120",)),
    Sample("a bad training_args.bin", lambda c: {"config.json": b"{}", "model.safetensors": header({"a": entry()}, bytes(4)), "training_args.bin": evil(c)}, ("MDR202",)),
    Sample("a bad shard", lambda c: {"pytorch_model.bin.index.json": json.dumps({"weight_map": {"w": "x.bin"}}).encode(), "x.bin": with_payload(mkdir(c))}, ("MDR202",)),
    Sample("a bad .metadata", lambda c: {".metadata": evil(c), "__0_0.distcp": bytes(10)}, ("MDR202",)),
    Sample("an adapter of nonsense", lambda _: {"adapter_config.json": b'{"r": [1], "target_modules": {"\x1b[31m": 1}, "base_model_name_or_path": "\\u001b[31m[red]"}', "adapter_model.safetensors": header({"a": entry()}, bytes(4))}, ("MDR126|MDR105",)),
    Sample("a bad pickle among the parts of a pipeline", lambda c: {"model_index.json": b'{"unet": ["diffusers", "X"]}', "unet/config.json": b"{}", "unet/diffusion_pytorch_model.bin": with_payload(mkdir(c))}, ("MDR202",)),
    Sample("a bad pickle without a suffix", lambda c: {"model.pt": WHOLE, "weights": pickle.dumps(1), "x": evil(c)}, ("MDR202",)),
]  # fmt: skip

SAMPLES = [*ZIPS, *TARS, *COMPRESSED, *SAFETENSORS, *PAGES, *FOLDERS]

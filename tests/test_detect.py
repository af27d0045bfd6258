"""What a file is: every format by its bytes, whatever the name says."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save

from modeldoctor.detect import READABLE, folder_kind, sniff
from modeldoctor.storage import Memory

STATE = {"w": torch.arange(6.0)}


def saved(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: dict[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002 - tarfile's word
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def old_tar() -> bytes:
    """A header without `ustar`, as tar wrote it before 1988."""
    data = bytearray(tarred({"model.pt": saved(STATE)}, tarfile.USTAR_FORMAT))
    data[257:265] = bytes(8)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


def numpy_saved(function: Callable[..., None], *arrays: object) -> bytes:
    buffer = io.BytesIO()
    function(buffer, *arrays)
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def exported() -> bytes:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),)), buffer)
    return buffer.getvalue()


def packaged() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), torch.package.PackageExporter(buffer) as package:
        package.extern("torch.**")
        package.save_pickle("model", "model.pkl", STATE)
    return buffer.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped({"model.pt": b"x" * 40}, zipfile.ZIP_STORED))
    data[6] |= 1  # bit 0 of the flags in the local header
    data[data.index(b"PK\1\2") + 8] |= 1  # and in the directory
    return bytes(data)


def onnx(producer: bytes = b"pytorch") -> bytes:
    """ModelProto: ir_version 8, producer_name, producer_version, a graph."""
    graph = b"\x0a\x02\x12\x00"
    return b"\x08\x08\x12" + bytes([len(producer)]) + producer + b"\x1a\x052.6.0:" + bytes([len(graph)]) + graph


def utf16(text: str) -> bytes:
    return b"\xff\xfe" + text.encode("utf-16-le")


MAGIC = 0x1950A86A20F9469CFC6C

CASES = {
    "torch-zip": [
        lambda: saved(STATE),
        lambda: zipped({"any/data.pkl": b"\x80\2}.", "any/version": b"3\n"}),
        lambda: b"JUNK" + saved(STATE),
        lambda: saved(STATE)[:-100],
        lambda: saved(STATE)[:30],
        lambda: saved(STATE)[:40],
        lambda: zipped({"archive/version": b"3\n", "archive/byteorder": b"little", "archive/data/0": b"1234"}),
    ],
    "torch-legacy": [
        lambda: saved(STATE, _use_new_zipfile_serialization=False),
        lambda: saved(STATE, _use_new_zipfile_serialization=False, pickle_protocol=4),
        lambda: saved(STATE, _use_new_zipfile_serialization=False)[:16],
        lambda: b"".join(pickle.dumps(MAGIC, protocol) + pickle.dumps(1001, protocol) for protocol in [0]),
        lambda: pickle.dumps(MAGIC, 5) + b"\x80\5.",
    ],
    "torch-tar": [
        lambda: tarred({"sys_info": b"1", "pickle": b"2", "tensors": b"3", "storages": b"4"}),
        lambda: tarred({"pickle": b"2", "storages": b"4"}, tarfile.GNU_FORMAT),
    ],
    "torchscript": [
        scripted,
        lambda: zipped({"m/data.pkl": b"", "m/constants.pkl": b"", "m/bytecode.pkl": b"", "m/version": b"3"}),
        lambda: zipped({"m/model.json": b"{}", "m/tensors/0": b"", "m/version": b"1"}),
        lambda: b"\0\0\0\0PTMF" + bytes(40),
    ],
    "torch-export": [exported, lambda: zipped({"serialized_exported_program.json": b"{}", "version": b"8.2"})],
    "torch-package": [packaged],
    "executorch": [lambda: b"\x3c\0\0\0ET12eh00" + bytes(60)],
    "safetensors": [
        lambda: save(STATE),
        lambda: struct.pack("<Q", 2) + b"{}",
        lambda: struct.pack("<Q", 1 << 60) + b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    ],
    "sharded": [lambda: json.dumps({"metadata": {}, "weight_map": {"w": "a.safetensors"}}).encode()],
    "pickle": [
        lambda: pickle.dumps({"a": 1}, 2),
        lambda: pickle.dumps({"a": 1}, 5),
        lambda: b"\x80",
        lambda: b"\x80\2",
        lambda: pickle.dumps({"a": [1, "x"]}, 0),
        lambda: pickle.dumps({"a": [1, "x"]}, 1),
        lambda: b"cos\nsystem\n(S'true'\ntR.",
        lambda: b"cos\nsystem\n(S'true'\ntRgarbage that no opcode is",
    ],
    "joblib": [lambda: b"\x80\4\x95\x10" + bytes(7) + b"\x8c\x13joblib.numpy_pickle\x94."],
    "gguf": [lambda: b"GGUF\3\0\0\0" + bytes(50)],
    "ggml": [lambda: b"tjgg\3\0\0\0" + bytes(50)],
    "onnx": [onnx, lambda: b"\x08\x07:\x04\x0a\x02\x12\x00B\x02\x10\x0d", lambda: onnx(b"tf2onnx")],
    "hdf5": [lambda: b"\x89HDF\r\n\x1a\n" + bytes(40)],
    "keras": [lambda: zipped({"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b"x"})],
    "tflite": [lambda: b"\x1c\0\0\0TFL3" + bytes(40)],
    "numpy": [
        lambda: numpy_saved(np.save, np.zeros(3)),
        lambda: numpy_saved(np.savez, np.zeros(3)),
        lambda: numpy_saved(np.savez_compressed, np.zeros(3)),
    ],
    "lfs-pointer": [lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 154000000\n"],
    "annex-pointer": [lambda: b"/annex/objects/SHA256E-s1--00.pt\n"],
    "html": [
        lambda: b"<!DOCTYPE html><html><head><title>404 Not Found</title></head></html>",
        lambda: b"\xef\xbb\xbf\n\n <!-- x --><HTML lang=en>",
        lambda: b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x'><html/>",
    ],
    "xml": [
        lambda: b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code><Message>no</Message></Error>',
        lambda: b"<Error><Code>NoSuchKey</Code></Error>",
    ],
    "json-error": [lambda: b'{"error":"Repository not found"}', lambda: b'\xef\xbb\xbf{"message": "Bad credentials"}'],
    "json": [lambda: b'{"architectures": ["Bert"]}', lambda: b"[1, 2]"],
    "text": [
        lambda: b"Entry not found",
        "Zugriff verweigert für Gäste".encode,
        lambda: "Zugriff für Gäste verweigert".encode("latin-1"),
        lambda: utf16("hello"),
    ],
    "mangled": [
        lambda: utf16("PK\3\4 a zip"),
        lambda: "\ufffd\x02\ufffd\x05\0".encode() * 20,
    ],
    "empty": [lambda: b""],
    "zeros": [lambda: bytes(1), lambda: bytes(100_000)],
    "gzip": [lambda: gzip.compress(saved(STATE))],
    "bzip2": [lambda: bz2.compress(saved(STATE))],
    "xz": [lambda: lzma.compress(saved(STATE))],
    "lzma": [lambda: lzma.compress(saved(STATE), lzma.FORMAT_ALONE)],
    "zlib": [partial(zlib.compress, bytes(range(200)), level) for level in (0, 1, 6, 9)],
    "zstd": [lambda: b"(\xb5/\xfd" + bytes(30)],
    "7z": [lambda: b"7z\xbc\xaf'\x1c\0\4" + bytes(30)],
    "rar": [lambda: b"Rar!\x1a\x07\x01\0"],
    "tar": [
        lambda: tarred({"model.pt": saved(STATE)}),
        old_tar,
    ],
    "zip": [lambda: zipped({"a.txt": b"x"}), lambda: zipped({}), lambda: zipped({"[Content_Types].xml": b""})],
    "mar": [lambda: zipped({"MAR-INF/MANIFEST.json": b"{}", "model.pt": b"x"})],
    "encrypted-zip": [encrypted],
    "image": [lambda: b"\x89PNG\r\n\x1a\n" + bytes(30), lambda: b"\xff\xd8\xff\xe0" + bytes(30)],
    "pdf": [lambda: b"%PDF-1.7\n"],
    "program": [lambda: b"\x7fELF\2\1\1" + bytes(60), lambda: b"\xa7\r\r\n" + bytes(30)],
    "sqlite": [lambda: b"SQLite format 3\0" + bytes(30)],
    "appledouble": [lambda: b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(80)],
    "torch7": [lambda: b"\4\0\0\0\1\0\0\0\3\0\0\0V 1\x0e\0\0\0"],
    "unknown": [lambda: bytes(range(1, 255)), lambda: b"\x99" * 50],
}
PAIRS = [(kind, index) for kind, makers in CASES.items() for index in range(len(makers))]


@pytest.mark.parametrize("name", ["model.pt", "model"])
@pytest.mark.parametrize(("kind", "index"), PAIRS)
def test_bytes_tell_the_format(kind: str, index: int, name: str) -> None:
    found = sniff(Memory(CASES[kind][index]()), name)
    assert found.format == kind
    assert found.title
    assert found.advice or kind in READABLE or kind == "mar"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 154000000\n", "git lfs pull"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 154000000\n", "154.0 MB"),
        (b"<html><title>Google Drive - Virus scan warning</title></html>", "gdown"),
        (b"<html><title>x</title><a href='https://huggingface.co/login'></html>", "resolve"),
        (b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", "AccessDenied: Access Denied"),
        (b'{"error": "Repository not found"}', "Repository not found"),
        (b"Entry not found", "Entry not found"),
        (b"<html><title>a &lt;b&gt;\x1b[31m `x`</title>", "`a <b>[31m 'x'`"),
    ],
)
def test_says_what_stands_there_and_what_to_do(content: bytes, says: str) -> None:
    found = sniff(Memory(content), "model.pt")
    assert says in f"{found.title} {found.advice}"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("saved_model.pb", b"\x08\x01\x12\x10\x0a\x0e\x12\x05serve" + bytes(5), "tensorflow"),
        ("graph.pb", b"\x0a\x10\x0a\x05input\x12\x07Placeho", "tensorflow"),
        ("x.mlmodel", b"\x08\x04\x12\x06\x0a\x04\x0a\x02in", "coreml"),
        ("model.pt.part", b"\x99\x98\x97\x96", "partial-download"),
        ("model.pt.aria2", b"\0\1\0\0\0\0\0\x14\x99", "partial-download"),
        ("yolo.weights", b"\0\0\0\0\2\0\0\0\5\0\0\0\x99\x98", "darknet"),
        ("x.onnx", b"\x99\x98\x97", "onnx"),
        ("header.safetensors", struct.pack("<Q", 30) + b"  garbage", "safetensors"),
        ("__0_0.distcp", saved(STATE), "distcp"),
    ],
)
def test_a_name_breaks_ties(name: str, content: bytes, kind: str) -> None:
    assert sniff(Memory(content), name).format == kind


@pytest.mark.parametrize(
    "text",
    [
        b"N. is how this sentence begins",
        b"# README\n",
        b"MIT License\n\nCopyright",
        b"I love it.\n",
        b"configuration:\n  a: 1\n",
        b"cmake_policy\n------------\n\nManage policies",
        b"collections\nof\nthings\n",
        "Git v2.30.5 Release Notes \u2014 fixes".encode(),
    ],
)
def test_prose_is_no_pickle(text: bytes) -> None:
    assert sniff(Memory(text), "model.pkl").format == "text"


class Counted(Memory):
    """Counts reads and bytes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads: list[int] = []

    def read_at(self, offset: int, size: int) -> bytes:
        data = super().read_at(offset, size)
        self.reads.append(len(data))
        return data


@pytest.mark.parametrize("kind", ["torch-legacy", "safetensors", "executorch", "gguf", "image"])
def test_the_first_bytes_are_enough(kind: str) -> None:
    source = Counted(CASES[kind][0]() + bytes(1_000_000))
    sniff(source, "model.pt")
    assert sum(source.reads) == 4096


def test_a_large_file_of_zeros_is_sampled() -> None:
    source = Counted(bytes(50_000_000))
    assert sniff(source, "model.pt").format == "zeros"
    assert sum(source.reads) < 100_000


def test_the_directory_of_a_zip_is_handed_on() -> None:
    found = sniff(Memory(saved(STATE)), "model.pt")
    assert found.directory is not None
    assert any(entry.name.endswith("data.pkl") for entry in found.directory.entries)


@pytest.mark.parametrize("length", range(0, 400, 7))
def test_any_cut_is_named(length: int) -> None:
    for content in (saved(STATE), save(STATE), saved(STATE, _use_new_zipfile_serialization=False)):
        assert sniff(Memory(content[:length]), "model.pt").title


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"config.json", "model.safetensors", "tokenizer.json"}, "model-folder"),
        ({"config.json", "pytorch_model.bin"}, "model-folder"),
        ({"model.safetensors.index.json"}, "model-folder"),
        ({"adapter_config.json", "adapter_model.safetensors"}, "adapter"),
        ({"model_index.json"}, "diffusers"),
        ({".metadata", "__0_0.distcp"}, "distributed"),
        ({"saved_model.pb"}, "tensorflow"),
        ({"zero_to_fp32.py", "latest"}, "deepspeed"),
        ({"mp_rank_00_model_states.pt"}, "deepspeed"),
        ({"config.json", "main.py"}, None),
        ({"a.pt", "b.pt"}, None),
    ],
)
def test_a_folder_that_is_one_model(files: set[str], kind: str | None) -> None:
    found = folder_kind(files)
    assert (found and found.format) == kind

"""Models inside compressed files and archives, and the limits."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors.torch import save

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint import nested
from modeldoctor.readers.checkpoint.inflate import inflate
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.storage import Memory

STATE = {"w": torch.arange(6.0)}


def saved() -> bytes:
    buffer = io.BytesIO()
    torch.save(STATE, buffer)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def read(data: bytes, name: str = "model.pt") -> Checkpoint:
    return read_source(Memory(data), name, name)


def leaves(checkpoint: Checkpoint) -> list[tuple[str | None, str, str]]:
    if not checkpoint.children:
        return [(checkpoint.member, checkpoint.format, checkpoint.state)]
    return [leaf for child in checkpoint.children for leaf in leaves(child)]


@pytest.mark.parametrize(
    ("name", "pack", "format", "inner"),
    [
        ("model.pt.gz", gzip.compress, "gzip", "model.pt"),
        ("model.pt", gzip.compress, "gzip", "model.pt"),
        ("model.pt.bz2", bz2.compress, "bzip2", "model.pt"),
        ("model.pt.xz", lzma.compress, "xz", "model.pt"),
        ("model.joblib", zlib.compress, "zlib", "model.joblib"),
        ("model.lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE), "lzma", "model"),
    ],
)
def test_a_compressed_model(name: str, pack: Callable[[bytes], bytes], format: str, inner: str) -> None:  # noqa: A002
    checkpoint = read(pack(saved()), name)
    assert (checkpoint.format, checkpoint.state) == (format, "recognised")
    assert checkpoint.advice
    (child,) = checkpoint.children
    assert (child.format, child.state, child.member) == ("torch-zip", "understood", inner)
    assert [each.path for each in child.tensors] == ["w"]


@pytest.mark.parametrize("pack", [zipped, tarred, lambda members: zipped(members, zipfile.ZIP_STORED)])
def test_models_in_an_archive(pack: Callable[[dict[str, bytes]], bytes]) -> None:
    checkpoint = read(
        pack(
            {
                "a/model.pt": saved(),
                "weights.safetensors": save(STATE),
                "odd.dat": pickle.dumps({"a": 1}),
                "README": b"text",
                "handler.py": b"import os",
            }
        ),
        "bundle.zip",
    )
    assert leaves(checkpoint) == [
        ("a/model.pt", "torch-zip", "understood"),
        ("weights.safetensors", "safetensors", "understood"),
        ("odd.dat", "pickle", "understood"),
    ]


def test_an_archive_in_an_archive_is_told_by_its_path() -> None:
    data = gzip.compress(tarred({"m.zip": zipped({"x/model.pt": saved()})}))
    (leaf,) = leaves(read(data, "bundle.tar.gz"))
    assert leaf == ("bundle.tar!m.zip!x/model.pt", "torch-zip", "understood")


def test_archives_are_entered_three_levels_deep() -> None:
    data = saved()
    for level in range(6):
        data = zipped({f"{level}.zip": data})
    checkpoint = read(data)
    problems = []
    while checkpoint.children:
        (checkpoint,) = checkpoint.children
        problems += [found.kind for found in checkpoint.problems]
    assert problems == ["nested-limit"]
    assert checkpoint.member == "5.zip!4.zip!3.zip"


def test_a_multi_stream_gzip_is_read_whole() -> None:
    data = saved()
    (child,) = read(gzip.compress(data[:500]) + gzip.compress(data[500:])).children
    assert child.state == "understood"


def test_zeros_behind_are_padding_and_other_bytes_are_not() -> None:
    assert read(gzip.compress(saved()) + bytes(100)).problems == ()
    (problem,) = read(gzip.compress(saved()) + b"hidden").problems
    assert (problem.kind, problem.text) == ("appended-data", "6 bytes follow the compressed data")


def test_a_cut_and_a_damaged_stream() -> None:
    whole = gzip.compress(os.urandom(1000) + saved())
    assert [found.kind for found in read(whole[:-20]).problems] == ["truncated"]
    damaged = whole[:30] + b"\xff" * 30 + whole[60:]
    assert [found.kind for found in read(damaged).problems] == ["damaged"]


def test_a_zip_without_its_directory() -> None:
    checkpoint = read(zipped({"a.txt": b"x", "model.pt": saved()})[:-30], "bundle.zip")
    assert checkpoint.state == "unreadable"
    assert [found.kind for found in checkpoint.problems] == ["truncated"]


def test_a_mar_and_a_stable_baselines_zip() -> None:
    mar = read(zipped({"MAR-INF/MANIFEST.json": b"{}", "model.pt": saved(), "handler.py": b""}), "resnet.mar")
    assert (mar.format, leaves(mar)) == ("mar", [("model.pt", "torch-zip", "understood")])
    agent = {
        "data": b"{}",
        "policy.pth": saved(),
        "pytorch_variables.pth": saved(),
        "_stable_baselines3_version": b"2.0",
    }
    baselines = read(zipped(agent), "ppo.zip")
    assert baselines.format == "stable-baselines3"
    assert [leaf[0] for leaf in leaves(baselines)] == ["policy.pth", "pytorch_variables.pth"]


def test_an_array_of_objects_is_a_pickle() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert leaves(read(buffer.getvalue(), "a.npy")) == [("objects.pkl", "pickle", "understood")]
    both = io.BytesIO()
    np.savez(both, numbers=np.zeros(3), things=np.array([{"a": 1}], dtype=object))
    assert leaves(read(both.getvalue(), "a.npz")) == [("things.npy!objects.pkl", "pickle", "understood")]
    numbers = io.BytesIO()
    np.save(numbers, np.zeros(3))
    assert read(numbers.getvalue(), "a.npy").children == ()


# --------------------------------------------------------------------------- limits


def bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def test_a_bomb_is_not_unpacked() -> None:
    checkpoint = read(bomb(300))
    assert [found.kind for found in checkpoint.problems] == ["limit"]
    assert checkpoint.children == ()


def test_the_budget_is_shared_by_all_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modeldoctor.readers.checkpoint.inside.MAX_UNPACKED_BYTES", 1_000_000)
    members = {f"{index}.pkl": pickle.dumps(bytes(300_000)) for index in range(8)}
    checkpoint = read(zipped(members), "bundle.zip")
    assert len(checkpoint.children) == 3
    assert {found.kind for found in checkpoint.problems} == {"limit"}
    inner = {f"{index}.zip": zipped(members) for index in range(4)}
    assert len(leaves(read(zipped(inner, zipfile.ZIP_STORED), "bundle.zip"))) <= 3 + 3


def test_large_models_are_unpacked_onto_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modeldoctor.readers.checkpoint.inflate._IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(nested, "MAX_WHOLE_BYTES", 1000)
    for data in (gzip.compress(saved()), zipped({"model.pt": saved()})):
        assert leaves(read(data, "x.zip"))[0][1:] == ("torch-zip", "understood")


def test_only_so_many_models_are_read() -> None:
    checkpoint = read(zipped({f"{index}.pkl": b"\x80\4N." for index in range(100)}), "bundle.zip")
    assert len(checkpoint.children) == nested.MAX_MODELS
    assert [found.kind for found in checkpoint.problems] == ["limit"]


def test_streams_without_content_end() -> None:
    empty = gzip.compress(b"")
    before = time.process_time()
    assert [found.kind for found in read(empty * 200_000).problems] == ["limit"]
    assert time.process_time() - before < 5


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "lzma", "zlib", "deflate"])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 200_000])
def test_every_stream_gives_back_what_was_packed(kind: str, size: int) -> None:
    data = os.urandom(size // 2) + bytes(size - size // 2)
    packed = {
        "gzip": gzip.compress,
        "bzip2": bz2.compress,
        "xz": lzma.compress,
        "lzma": lambda content: lzma.compress(content, lzma.FORMAT_ALONE),
        "zlib": zlib.compress,
        "deflate": lambda content: zlib.compress(content, wbits=-15),
    }[kind](data)
    with inflate(Memory(packed), kind, 1 << 20) as unpacked:
        assert unpacked.size == size
        assert unpacked.read_at(0, size + 10) == data
        assert unpacked.read_at(size // 2, 3) == data[size // 2 : size // 2 + 3]
        assert unpacked.problem is None

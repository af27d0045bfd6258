import errno
import gzip
import io
import os
import pickle
import struct
import sys
import zipfile

import pytest
import torch

from modeldoctor.readers import read
from modeldoctor.readers.checkpoint import read_checkpoint, read_source
from modeldoctor.readers.checkpoint.inside import MAX_DEPTH, Budget
from modeldoctor.storage import File, Memory


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def zipped(entries, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


@pytest.mark.parametrize("make", ["pipe", "dangling", "missing"])
def test_what_is_no_file_is_unreadable_and_says_why(tmp_path, make):
    path = tmp_path / "model.pt"
    if make == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no named pipes here")
        os.mkfifo(path)
    elif make == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    checkpoint = read_checkpoint(str(path), "model.pt")
    assert checkpoint.state == "unreadable"
    (problem,) = checkpoint.problems
    assert problem.kind == "unreadable"
    assert problem.text[0].islower()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "model.pt"
    path.write_bytes(saved({}))
    path.chmod(0)
    assert read_checkpoint(str(path), "model.pt").problems[0].text == "permission denied"


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_disk_that_fails_while_it_is_read(tmp_path, monkeypatch, options):
    path = tmp_path / "model.pt"
    path.write_bytes(saved({f"w{index}": torch.zeros(5000) for index in range(10)}, **options))
    whole = read_checkpoint(str(path), "model.pt")
    reads = 0

    def failing(self, offset, size):
        nonlocal reads
        reads += 1
        if reads > allowed:
            raise OSError(errno.EIO, "Input/output error")
        return os.pread(self._descriptor, size, offset)

    monkeypatch.setattr(File, "_read", failing)
    for allowed in range(200):
        reads = 0
        checkpoint = read_checkpoint(str(path), "model.pt")
        if reads <= allowed:
            break
        assert checkpoint.state == "unreadable"
        assert "input/output error" in [problem.text for problem in checkpoint.problems]
    assert checkpoint == whole


@pytest.mark.parametrize(
    ("data", "format_", "state"),
    [
        (b"", "empty", "recognised"),
        (b"GGUF" + b"\0" * 60, "gguf", "recognised"),
        (bytes(range(256)) * 10, "unknown", "not understood"),
        (pickle.dumps({"a": 1}), "pickle", "understood"),
        (struct.pack("<Q", 2) + b"{}", "safetensors", "understood"),
    ],
)
def test_every_kind_of_file_gets_its_state(tmp_path, data, format_, state):
    path = tmp_path / "model.pt"
    path.write_bytes(data)
    checkpoint = read_checkpoint(str(path), "model.pt")
    assert (checkpoint.format, checkpoint.state, checkpoint.size_bytes) == (format_, state, len(data))
    (subject,) = read(str(path), "model.pt")
    assert (subject.path, subject.kind, subject.state) == ("model.pt", format_, state)


def test_places_inside_archives_are_told_from_the_outermost():
    evil = b"\x80\x04cposix\nsystem\n."
    data = zipped({"outer.zip": zipped({"inner.pt": saved({"w": torch.ones(2)}), "evil.pkl": evil + b"junk"})})
    checkpoint = read_source(Memory(data), "all.zip", "all.zip")
    (outer,) = checkpoint.children
    assert outer.member == "outer.zip"
    inner, odd = outer.children
    assert inner.member == "outer.zip!inner.pt"
    assert inner.pickles[0].member == "outer.zip!inner.pt!archive/data.pkl"
    assert odd.pickles[0].member == "outer.zip!evil.pkl"
    assert [(problem.kind, problem.member) for problem in odd.problems] == [("appended-data", "outer.zip!evil.pkl")]


def test_depth_is_limited():
    data = saved({"w": torch.ones(2)})
    for _ in range(10):
        data = gzip.compress(data)
    checkpoint, depth = read_source(Memory(data), "x.gz", "x.gz"), 0
    while checkpoint.children:
        checkpoint, depth = checkpoint.children[0], depth + 1
    assert depth == MAX_DEPTH
    assert [problem.kind for problem in checkpoint.problems] == ["nested-limit"]


def test_members_that_share_bytes_do_not_multiply():
    """Sixty members that are one and the same archive of sixty members that are one and the same model."""

    def shared(name, data, times):
        header = struct.pack("<4sHHHHHIIIHH", b"PK\3\4", 20, 0x800, 0, 0, 0, 0, len(data), len(data), len(name), 0)
        central = struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\1\2",
            20,
            20,
            0x800,
            0,
            0,
            0,
            0,
            len(data),
            len(data),
            len(name),
            0,
            0,
            0,
            0,
            0,
            0,
        )
        directory = b"".join(central + b"%02d.pt" % number for number in range(times))
        end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, times, times, len(directory), len(header + name + data), 0)
        return header + name + data + directory + end

    data = saved({"w": torch.ones(2)})
    for _ in range(3):
        data = shared(b"00.pt", data, 60)
    checkpoint = read_source(Memory(data), "bomb.zip", "bomb.zip")

    def models(found):
        return sum(1 + models(child) for child in found.children)

    assert models(checkpoint) <= Budget().models + 1
    assert any(problem.kind in {"limit", "nested-limit"} for problem in checkpoint.problems)


def test_a_second_legacy_stream_and_a_renamed_zip_are_told_by_bytes(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(saved({"w": torch.ones(2)}))
    assert read_checkpoint(str(path), "x").format == "torch-zip"
    path.write_bytes(saved({"w": torch.ones(2)}, _use_new_zipfile_serialization=False))
    assert read_checkpoint(str(path), "x").format == "torch-legacy"

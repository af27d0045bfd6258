import os
import stat
import sys

import pytest

from modeldoctor.errors import ReadError
from modeldoctor.storage import File, Memory, Window


def test_file_reads_at_offsets_and_counts(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(bytes(range(100)))
    with File(str(path)) as file:
        assert file.size == 100
        assert file.read_at(10, 3) == bytes([10, 11, 12])
        assert file.read_at(98, 10) == bytes([98, 99])
        assert file.read_at(200, 10) == b""
        assert file.bytes_read == 5


def test_sources_agree(tmp_path):
    data = bytes(range(50))
    path = tmp_path / "data"
    path.write_bytes(data)
    with File(str(path)) as file:
        for source in (file, Memory(data), Window(Memory(b"xx" + data + b"yy"), 2, 50)):
            assert source.size == 50
            assert source.read_at(0, 100) == data
            assert source.read_at(49, 2) == data[49:]
            assert source.read_at(60, 2) == b""


def test_window_never_reaches_beyond_its_source():
    assert Window(Memory(b"abc"), 1, 1 << 60).size == 2
    assert Window(Memory(b"abc"), 10, 5).size == 0


@pytest.mark.parametrize("make", ["folder", "pipe", "dangling", "missing", "nul"])
def test_what_is_no_file_is_unreadable_at_once(tmp_path, make):
    path = tmp_path / "thing"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("no named pipes here")
        os.mkfifo(path)
    elif make == "dangling":
        path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ReadError) as caught:
        File(f"{path}\0" if make == "nul" else str(path))
    assert caught.value.kind == "unreadable"


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no devices here")
def test_device_is_not_opened():
    with pytest.raises(ReadError, match="device"):
        File("/dev/zero")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_missing_permission(tmp_path):
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(ReadError, match="permission denied"):
        File(str(path))
    path.chmod(stat.S_IRUSR)


def test_file_that_shrinks_is_unreadable(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"x" * 1000)
    with File(str(path)) as file:
        os.truncate(path, 10)
        assert file.read_at(0, 10) == b"x" * 10
        with pytest.raises(ReadError, match="shorter"):
            file.read_at(0, 1000)

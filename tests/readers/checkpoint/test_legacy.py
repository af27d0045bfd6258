import io
import pickle
import struct
import sys

import pytest
import torch

from modeldoctor.readers.checkpoint import read_checkpoint, read_source
from modeldoctor.storage import Memory

STATE = {
    "a": torch.arange(6.0).reshape(2, 3),
    "b": torch.ones(4, dtype=torch.float64),
    "c": torch.zeros(3, dtype=torch.int8),
}


def saved(value=STATE):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def read(data):
    return read_source(Memory(data), "model.pt", "model.pt")


def kinds(checkpoint):
    return [problem.kind for problem in checkpoint.problems]


def stream(*values, storages=b""):
    return b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, *values)) + storages


def test_five_pickles_and_storages():
    data = saved()
    checkpoint = read(data)
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torch-legacy", "understood", ())
    assert [each.role for each in checkpoint.pickles] == ["magic", "protocol", "sys_info", "object", "keys"]
    assert checkpoint.container.kind == "legacy"
    assert checkpoint.container.byteorder == sys.byteorder
    assert [tensor.path for tensor in checkpoint.tensors] == ["a", "b", "c"]
    for tensor in checkpoint.tensors:
        storage = checkpoint.storages[tensor.storage]
        assert storage.stored_bytes == storage.size_bytes
        start = storage.record_offset
        assert data[start : start + storage.size_bytes] == STATE[tensor.path].numpy().tobytes()


def test_views_share_their_storage():
    base = torch.arange(10.0)
    checkpoint = read(saved({"all": base, "half": base[5:]}))
    assert len(checkpoint.storages) == 1
    assert [tensor.offset for tensor in checkpoint.tensors] == [0, 5]


def test_every_cut_is_told():
    data = saved()
    for length in range(40, len(data)):
        checkpoint = read(data[:length])
        assert "truncated" in kinds(checkpoint), length
    assert kinds(read(data)) == []


def test_cut_in_the_storages_tells_which_are_left():
    data = saved()
    checkpoint = read(data[:-20])
    assert kinds(checkpoint) == ["truncated"]
    assert checkpoint.state == "understood"
    stored = {storage.dtype: (storage.stored_bytes, storage.size_bytes) for storage in checkpoint.storages}
    assert sum(needed - got for got, needed in stored.values()) in range(12, 21)


def test_bytes_behind_the_last_storage():
    checkpoint = read(saved() + b"\0" * 50)
    assert kinds(checkpoint) == ["appended-data"]
    assert "50 bytes" in checkpoint.problems[0].text


def test_two_checkpoints_in_one_file():
    checkpoint = read(saved() + saved({"second": torch.ones(2)}))
    assert kinds(checkpoint) == ["appended-data"]
    assert "torch.save" in checkpoint.problems[0].text
    assert [tensor.path for tensor in checkpoint.tensors] == ["a", "b", "c"]


def test_other_protocol_version():
    assert kinds(read(stream(1002, {}, {}, []))) == ["bad-version"]


def test_key_that_the_object_does_not_have():
    assert kinds(read(stream(1001, {}, {}, ["123"]))) == ["damaged"]


def test_number_of_elements_that_disagrees():
    data = bytearray(saved({"a": torch.arange(4.0)}))
    at = data.index(struct.pack("<q", 4) + torch.arange(4.0).numpy().tobytes())
    data[at] = 3
    assert kinds(read(bytes(data))) == ["damaged"]


def test_storage_that_is_in_no_list():
    data = saved({"a": torch.arange(4.0)})
    storage = struct.pack("<q", 4) + torch.arange(4.0).numpy().tobytes()
    start = data.rindex(b"\x80\x02]")
    assert kinds(read(data[:start] + pickle.dumps([], 2))) == ["missing-record"]
    assert data.endswith(storage)


@pytest.mark.parametrize("keys", [None, 5, {"a": 1}, [1, None, []], ["x" * 100_000]])
def test_odd_lists_of_keys_end_well(keys):
    read(stream(1001, {}, {}, keys))


def test_payloads_are_stepped_over(tmp_path):
    path = tmp_path / "large.pt"
    path.write_bytes(saved({f"w{index}": torch.zeros(50_000) for index in range(20)}))
    checkpoint = read_checkpoint(str(path), "x")
    pickles = checkpoint.pickles[-1].offset + checkpoint.pickles[-1].size_bytes
    assert checkpoint.bytes_read < pickles + 200_000
    assert path.stat().st_size > 4_000_000


def test_every_flipped_byte_ends_well():
    data = saved({"a": torch.ones(1)})
    for position in range(len(data)):
        read(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])

import io
import pickle
import struct
import tarfile
from collections import OrderedDict

import torch

from modeldoctor.readers.checkpoint import read_source
from modeldoctor.storage import Memory


class Reference:
    """Stands in the object where torch 0.1 put the number of a tensor."""

    def __init__(self, number):
        self.number = number


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.number if isinstance(value, Reference) else None


def dumped(value):
    buffer = io.BytesIO()
    Pickler(buffer, 2).dump(value)
    return buffer.getvalue()


def storage_type():
    # torch/serialization.py of 0.1 pickled the classes; `legacy_load` asks them for their dtype.
    return torch.FloatStorage


def made(value, *, cut=None):
    """A file as torch 0.1.9 wrote it: one storage of six floats, a view of its last four, two tensors."""
    floats = struct.pack("<q6f", 6, *range(6))
    storages = dumped(1) + dumped((11, "cpu", storage_type())) + floats + dumped([(12, 11, 2, 4)])
    form = "<iiqqqqq"
    tensors = dumped(2)
    tensors += dumped((21, 11, torch.FloatTensor)) + struct.pack(form, 2, 0, 2, 3, 3, 1, 0)
    tensors += dumped((22, 12, torch.FloatTensor)) + struct.pack("<iiqqq", 1, 0, 3, 1, 1)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:", format=tarfile.PAX_FORMAT) as archive:
        info = {"sys_info": dumped({"protocol_version": 1000, "little_endian": True})}
        for name, data in {**info, "pickle": dumped(value), "tensors": tensors, "storages": storages}.items():
            header = tarfile.TarInfo(name)
            header.size = len(data) // 2 if cut == name else len(data)
            archive.addfile(header, io.BytesIO(data[: header.size]))
    return buffer.getvalue()


VALUE = OrderedDict([("weight", Reference(21)), ("tail", Reference(22))])


def read(data):
    return read_source(Memory(data), "model.pt", "model.pt")


def test_torch_reads_what_is_tested_here(tmp_path):
    (tmp_path / "x.pt").write_bytes(made(VALUE))
    loaded = torch.load(tmp_path / "x.pt", weights_only=False)
    assert loaded["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert loaded["tail"].tolist() == [3, 4, 5]


def test_tensors_have_names_shapes_and_a_common_storage():
    checkpoint = read(made(VALUE))
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torch-tar", "understood", ())
    weight, tail = checkpoint.tensors
    assert (weight.path, weight.shape, weight.strides, weight.offset) == ("weight", (2, 3), (3, 1), 0)
    assert (tail.path, tail.shape, tail.offset, tail.dtype) == ("tail", (3,), 3, "float32")
    assert weight.storage == tail.storage
    (storage,) = checkpoint.storages
    assert (storage.size_bytes, storage.stored_bytes, storage.record) == (24, 24, "storages")
    data = made(VALUE)
    assert struct.unpack_from("<6f", data, storage.record_offset) == tuple(range(6))


def test_cut_members():
    for name in ("storages", "tensors", "pickle"):
        checkpoint = read(made(VALUE, cut=name))
        assert checkpoint.state == "unreadable"
        assert checkpoint.problems


def test_counts_that_lie():
    data = made(VALUE).replace(dumped(2), b"\x80\x02J\xff\xff\xff\x7f.", 1)
    assert read(data).problems


def test_every_flipped_byte_ends_well():
    data = made(VALUE)
    for position in range(0, len(data), 7):
        read(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])

"""The tensors that are described against those that torch.load gives: names, shapes, dtypes, strides, sharing."""

import io
import pickle
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from torch import nn

from modeldoctor.readers.checkpoint.anatomy import describe
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.storage import Memory

pytestmark = pytest.mark.filterwarnings("ignore")


def saved(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def described(data):
    """What is read from the bytes of a torch.save file, without the readers of containers."""
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        done = run(Memory(archive.read("archive/data.pkl")))
    else:
        start = 0
        for _ in range(3):
            start = run(Memory(data), start).end
        done = run(Memory(data), start)
    assert done.pickle.stopped is None
    return done, describe(done.value, done.storages, instances=done.pickle.instances)


def leaves(value, path=""):
    """Names and tensors of a loaded object, as people reach them."""
    if isinstance(value, torch.Tensor):
        yield path, value
        return
    prefix = f"{path}." if path else ""
    if isinstance(value, nn.Module):
        for name, item in value.named_parameters(prefix=path, remove_duplicate=False):
            yield name, item
        for name, item in value.named_buffers(prefix=path, remove_duplicate=False):
            yield name, item
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, item in items:
        yield from leaves(item, f"{prefix}{key}")


def shape_of(tensor):
    if tensor.layout is not torch.strided:
        return (tuple(tensor.shape), str(tensor.dtype), str(tensor.layout))
    return (
        tuple(tensor.shape),
        str(tensor.dtype),
        tensor.stride(),
        tensor.storage_offset() if tensor.device.type != "meta" else 0,
        str(tensor.device),
        tensor.requires_grad,
    )


def assert_same(value, **options):
    data = saved(value, **options)
    real = dict(leaves(torch.load(io.BytesIO(data), weights_only=False)))
    done, found = described(data)
    ours = {tensor.path: tensor for tensor in found.tensors}
    assert list(ours) == list(real) or set(ours) == set(real)
    storages = {}
    for path, tensor in real.items():
        mine = ours[path]
        if tensor.layout is not torch.strided:
            assert (mine.shape, f"torch.{mine.dtype}", f"torch.{mine.layout}") == shape_of(tensor)
            continue
        told = (mine.shape, f"torch.{mine.dtype}", mine.strides, mine.offset, mine.device, mine.requires_grad)
        assert told == shape_of(tensor)
        if isinstance(tensor, nn.Parameter):
            assert mine.kind == "parameter"
        if mine.storage is not None:
            # Equal storages there are equal storages here, and have the same size.
            pointer = tensor.untyped_storage().data_ptr() or path
            assert storages.setdefault(pointer, mine.storage) == mine.storage
            assert done.storages[mine.storage].size_bytes == tensor.untyped_storage().nbytes()
    assert len(set(storages.values())) == len(storages)
    return found


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight
        self.block = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
        self.again = self.block
        self.register_buffer("mask", torch.ones(3, dtype=torch.bool), persistent=False)


Tied.__module__ = __name__


def view():
    base = torch.arange(24.0)
    return {"a": base[2:8].view(2, 3), "b": base.view(4, 6).t(), "whole": base, "other": torch.zeros(2)}


def with_attribute():
    parameter = nn.Parameter(torch.ones(3))
    parameter.sharded = True
    tensor = torch.ones(4)
    tensor.note = "x"
    return [parameter, tensor, nn.Buffer(torch.ones(2)), torch.ones(2, requires_grad=True)]


def conjugate():
    return {
        "conj": torch.ones(2, dtype=torch.complex64).conj(),
        "neg": torch.ones(2, dtype=torch.complex64).conj().imag,
    }


OBJECTS = {
    "tensor": lambda: torch.zeros(2, 3),
    "scalar": lambda: torch.tensor(1.5),
    "empty": lambda: {"a": torch.empty(0), "b": torch.empty(0, 3, dtype=torch.int64)},
    "conv": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Linear(8, 2)),
    "conv state_dict": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2)).state_dict(),
    "transformer": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2),
    "lstm": lambda: nn.LSTM(4, 5, num_layers=2, bidirectional=True),
    "parametrized": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)).state_dict(),
    "dataparallel": lambda: nn.DataParallel(nn.Linear(3, 4)),
    "tied module": Tied,
    "tied state_dict": lambda: Tied().state_dict(),
    "views": view,
    "attributes": with_attribute,
    "conjugate": conjugate,
    "expanded": lambda: [torch.ones(1).expand(4, 5)],
    "lists": lambda: [[torch.zeros(i + 1) for i in range(3)], (torch.zeros(2), {"x": torch.zeros(1)})],
    "other keys": lambda: {0: torch.zeros(1), 1: {2: torch.zeros(2)}},
    "defaultdict": lambda: defaultdict(list, {"a": [torch.zeros(1)]}),
    "sparse": lambda: {"coo": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "csc": torch.eye(3).to_sparse_csc()},
    "meta": lambda: {"m": torch.zeros(2, 3, device="meta"), "g": nn.Linear(2, 2, device="meta").state_dict()},
    "quantized": lambda: {
        "tensor": torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8),
        "channel": torch.quantize_per_channel(torch.ones(2, 4), torch.tensor([0.1, 0.2]), torch.tensor([0, 0]), 0, torch.quint8),
    },
    "training": lambda: {"model": nn.Linear(2, 2).state_dict(), "epoch": 3, "lr": 0.1, "rng": torch.get_rng_state()},
}  # fmt: skip
QUANTIZED = {torch.qint8, torch.quint8, torch.qint32, torch.quint4x2, torch.quint2x4}
# Dtypes for which torch has no storage class: they cannot be saved.
UNSAVABLE = {f"torch.{sign}int{bits}" for sign in ("", "u") for bits in range(1, 8)}
DTYPES = sorted(
    {
        value
        for value in vars(torch).values()
        if isinstance(value, torch.dtype) and value not in QUANTIZED and str(value) not in UNSAVABLE
    },
    key=str,
)


@pytest.mark.parametrize("name", OBJECTS)
def test_tensors_are_those_of_torch_load(name):
    assert_same(OBJECTS[name]())


@pytest.mark.parametrize("name", sorted(set(OBJECTS) - {"meta", "quantized"}))
def test_tensors_of_the_legacy_format(name):
    assert_same(OBJECTS[name](), _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["conv", "views", "attributes", "other keys"])
def test_tensors_in_other_protocols(name, protocol):
    assert_same(OBJECTS[name](), pickle_protocol=protocol)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(dtype):
    tensor = torch.zeros(6, dtype=torch.uint8).view(dtype) if dtype.itemsize == 1 else torch.empty(3, dtype=dtype)
    done, found = described(saved({"x": tensor}))
    assert found.tensors[0].dtype == str(dtype).removeprefix("torch.")
    assert done.storages[0].size_bytes == tensor.untyped_storage().nbytes()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_pickled_without_torch_save(protocol):
    value = {
        "a": torch.ones(3),
        "b": torch.zeros(2, 2, dtype=torch.int64),
        "c": torch.zeros(100_000),
        "d": torch.ones(1),
    }
    stream = pickle.dumps(value, protocol=protocol)
    done = run(Memory(stream))
    found = describe(done.value, done.storages).tensors
    assert [(tensor.path, tensor.shape, tensor.dtype, tensor.device) for tensor in found] == [
        (name, tuple(tensor.shape), str(tensor.dtype)[6:], "cpu") for name, tensor in value.items()
    ]
    sizes = [(storage.size_bytes, storage.stored_bytes) for storage in done.storages]
    wanted = [tensor.untyped_storage().nbytes() for tensor in value.values()]
    assert [size for size, _ in sizes] == wanted
    assert sizes[0] == (12, 12)
    assert not done.pickle.calls
    assert "torch.storage._load_from_bytes" in map(str, done.pickle.globals)


@pytest.mark.parametrize("tag", ["cuda:0", "mps", "xla:1"])
def test_device_tags(tag):
    data = saved(nn.Linear(2, 2).state_dict(), _use_new_zipfile_serialization=False)
    # The tag is a text of its own: the same length keeps the stream whole.
    stream = data.replace(b"X\3\0\0\0cpuq", b"X%c\0\0\0%bq" % (len(tag), tag.encode()))
    _, found = described(stream)
    assert {tensor.device for tensor in found.tensors} == {tag}
    assert found.anatomy.devices == ((tag, 2),)


def test_numpy_values_are_arrays():
    data = saved({"scalar": np.float64(1.5), "array": np.zeros((2, 3), dtype=np.int32)})
    done, _ = described(data)
    values = dict(done.value.pairs())
    assert tuple(values["scalar"].value) == ("float64", ())
    assert tuple(values["array"].value) == ("int32", (2, 3))


def test_optimizer_state_is_counted_apart():
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    found = assert_same({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 7})
    anatomy = found.anatomy
    assert (anatomy.contents, anatomy.weights_key, anatomy.epoch) == ("training", "model", 7)
    assert anatomy.weights_bytes == 15 * 4
    assert anatomy.optimizer_bytes == 2 * 15 * 4 + 2 * 4
    assert anatomy.storage_bytes == anatomy.tensor_bytes == anatomy.weights_bytes + anatomy.optimizer_bytes
    assert [(part.name, part.kind, part.tensors) for part in anatomy.parts] == [
        ("model", "weights", 2),
        ("optimizer", "optimizer", 6),
        ("epoch", "metadata", 0),
    ]


def test_a_slice_keeps_its_storage():
    anatomy = assert_same({"rows.weight": torch.zeros(1000, 10)[:1]}).anatomy
    assert (anatomy.tensor_bytes, anatomy.storage_bytes) == (40, 40_000)


def test_tied_weights_count_once():
    anatomy = assert_same(Tied()).anatomy
    model = Tied()
    assert anatomy.parameters == sum(item.numel() for item in model.parameters())
    assert anatomy.buffers == sum(item.numel() for item in model.buffers())
    assert anatomy.tensor_bytes == anatomy.storage_bytes


def test_an_ordered_dict_subclass_is_a_dict():
    data = saved(OrderedDict(nn.Linear(2, 2).state_dict()))
    assert described(data)[1].anatomy.contents == "state_dict"

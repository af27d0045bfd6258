"""Tensors as torch before 0.4 pickled them, which no torch of today writes: made by hand after its old sources."""

import struct

import pytest

from modeldoctor.readers.checkpoint.anatomy import describe
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.storage import Memory


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value


def storage(key=b"7", numel=b"K\x0a", view=b"N", cls=b"FloatStorage", module=b"torch", location=b"cpu"):
    """The persistent id of the legacy format: class, key, location, size, view."""
    opcodes = text(b"storage") + b"c" + module + b"\n" + cls + b"\n" + text(key) + text(location) + numel + view
    return b"(" + opcodes + b"tQ"


def rebuilt(stored, offset=b"K\0", size=b"K\2\x85", stride=b"K\1\x85"):
    return b"ctorch._utils\n_rebuild_tensor\n(" + stored + offset + size + stride + b"tR"


def tensors(*values):
    stream = b"\x80\2](" + b"".join(values) + b"e."
    done = run(Memory(stream))
    assert done.pickle.stopped is None
    return done, describe(done.value, done.storages).tensors


def test_a_view_of_a_storage():
    view = b"(" + text(b"9") + b"K\4K\6t"
    done, found = tensors(rebuilt(storage(view=view), offset=b"K\1"), rebuilt(storage()))
    assert [(tensor.storage, tensor.offset, tensor.shape) for tensor in found] == [(0, 5, (2,)), (0, 0, (2,))]
    assert [(each.key, each.numel, each.size_bytes) for each in done.storages] == [("7", 10, 40)]


def test_tensors_that_pickled_themselves():
    state = b"(" + storage(cls=b"DoubleStorage") + b"K\3K\2K\3\x86K\3K\1\x86t"
    for made in (b"ctorch\nDoubleTensor\n)R", b"ctorch\nDoubleTensor\n)\x81", b"ctorch.cuda\nDoubleTensor\n)R"):
        done, found = tensors(made + state + b"b")
        assert [(tensor.path, tensor.dtype, tensor.shape, tensor.strides, tensor.offset) for tensor in found] == [
            ("0", "float64", (2, 3), (3, 1), 3)
        ]
        assert done.pickle.calls == ()


@pytest.mark.parametrize("flag", [True, False])
def test_parameters_of_torch_0_3(flag):
    """Variable.__reduce_ex__: the data as argument, then requires_grad, volatile, hooks as state."""
    pushed = b"\x88" if flag else b"\x89"
    made = b"ctorch.nn.parameter\nParameter\n" + rebuilt(storage()) + b"\x85R"
    _, found = tensors(made + b"(" + pushed + b"\x89N" + b"tb")
    assert [(tensor.kind, tensor.requires_grad, tensor.shape) for tensor in found] == [("parameter", flag, (2,))]


def test_parameters_of_torch_0_1():
    """Variable.__setstate__: data, gradient, hooks, requires_grad, volatile."""
    made = b"ctorch.nn.parameter\nParameter\n)\x81(" + rebuilt(storage()) + b"NN\x88\x89tb"
    _, found = tensors(made)
    assert [(tensor.kind, tensor.requires_grad) for tensor in found] == [("parameter", True)]


def test_a_class_with_its_source_stands_for_the_class():
    """Containers were saved with file and source (torch before 1.6): the persistent id is the class."""
    source = b"(" + text(b"module") + b"cshop.nets\nNet\n" + text(b"nets.py") + text(b"class Net: ...") + b"tQ"
    registry = b"ccollections\nOrderedDict\n)R"
    weight = registry + text(b"weight") + b"ctorch.nn.parameter\nParameter\n" + rebuilt(storage()) + b"\x85R"
    weight += b"(\x88\x89Ntbs"
    state = b"}(" + text(b"_parameters") + weight + text(b"_modules") + registry + text(b"_buffers") + registry + b"u"
    done = run(Memory(b"\x80\2" + source + b")\x81" + state + b"b."))
    found = describe(done.value, done.storages, instances=done.pickle.instances)
    assert (found.anatomy.contents, found.anatomy.root_class) == ("module", "shop.nets.Net")
    assert [(tensor.path, tensor.kind) for tensor in found.tensors] == [("weight", "parameter")]
    assert ("persistent", "other", "module") in [(each.kind, each.name, each.detail) for each in done.pickle.events]


def test_location_and_key_as_bytes_of_python_2():
    stored = b"(U\7storagectorch.cuda\nHalfStorage\nU\x0294U\6cuda:1K\4Nt" + b"Q"
    done, found = tensors(rebuilt(stored))
    assert [(tensor.dtype, tensor.device) for tensor in found] == [("float16", "cuda:1")]
    assert (done.storages[0].key, done.storages[0].class_name) == ("94", "torch.cuda.HalfStorage")


@pytest.mark.parametrize(
    "wrong",
    [
        rebuilt(b"K\1"),
        rebuilt(storage(), offset=b"N"),
        rebuilt(storage(), size=b"K\2\x85\x85"),
        rebuilt(storage(), size=b"\x8a\1\xff\x85"),
        rebuilt(storage(), size=b"K\2K\2\x86"),
        b"ctorch._utils\n_rebuild_tensor_v2\n)R",
        b"ctorch._utils\n_rebuild_parameter\nNNN\x87R",
        b"ctorch._utils\n_rebuild_sparse_tensor\nNN\x86R",
        b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(NNNNtR",
        b"ctorch._utils\n_rebuild_qtensor\n(NNNNNNNtR",
        b"ctorch._utils\n_rebuild_wrapper_subclass\n(NNNNNNNNtR",
        b"ctorch._utils\n_rebuild_device_tensor_from_numpy\n(NNNNtR",
        b"ctorch._tensor\n_rebuild_from_type_v2\n(NNNNtR",
        b"ctorch\nFloatTensor\n)R(NNNNtb",
        b"cnumpy.core.multiarray\n_reconstruct\n)R(NNNNNtb",
        b"ctorch.storage\n_load_from_bytes\nC\4junk\x85R",
    ],
)
def test_calls_with_other_arguments_make_no_tensor(wrong):
    assert tensors(wrong)[1] == ()


@pytest.mark.parametrize("numel", [b"\x8a\1\xff", b"N", b"\x8a\x09" + b"\xff" * 8 + b"\x7f"])
def test_storages_of_no_size_stop_the_reading(numel):
    done = run(Memory(b"\x80\2" + storage(numel=numel) + b"."))
    assert done.pickle.stopped.kind == "pickle-damaged"

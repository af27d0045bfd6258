import io
import json
import zipfile

import pytest
import torch

from modeldoctor.readers.checkpoint import read_source
from modeldoctor.storage import Memory


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(3, 2)
        self.register_buffer("steps", torch.zeros(2, dtype=torch.int64))
        self.scale = torch.ones(3)

    def forward(self, x):
        return self.lin(x * self.scale)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()
        self.stack = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.ReLU())
        self.other = self.inner.lin

    def forward(self, x):
        return self.stack(self.inner(x))


@pytest.fixture(scope="module")
def module():
    # Tracing is deprecated like all of torch.jit; scripting warns once per call.
    with pytest.warns(DeprecationWarning, match="deprecated"):
        return torch.jit.script(Net().eval())


@pytest.fixture(scope="module")
def data(module):
    buffer = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="deprecated"):
        torch.jit.save(module, buffer, _extra_files={"labels.json": '{"0": "cat"}'})
    return buffer.getvalue()


def read(data):
    return read_source(Memory(data), "model.pt", "model.pt")


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_parameters_and_buffers_are_those_of_the_module(module, data):
    checkpoint = read(data)
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torchscript", "understood", ())
    kinds = {tensor.path: tensor.kind for tensor in checkpoint.tensors}
    assert {name for name, kind in kinds.items() if kind == "parameter"} == {
        name for name, _ in module.named_parameters(remove_duplicate=False)
    }
    assert {name for name, kind in kinds.items() if kind == "buffer"} == {name for name, _ in module.named_buffers()}
    assert kinds["inner.scale"] == "tensor"
    shapes = {tensor.path: tensor.shape for tensor in checkpoint.tensors}
    assert shapes["inner.lin.weight"] == (2, 3)
    places = {tensor.path: tensor.storage for tensor in checkpoint.tensors}
    assert places["other.weight"] == places["inner.lin.weight"]


def test_what_else_is_known(data):
    checkpoint = read(data)
    assert checkpoint.anatomy.contents == "scripted"
    assert checkpoint.anatomy.root_class.endswith("Net")
    assert "__torch__" not in checkpoint.anatomy.root_class
    assert checkpoint.extra("extra_files") == ("labels.json",)
    assert any("/linear" in name for name in checkpoint.extra("code"))  # torch mangles the names of later compilations
    assert checkpoint.extra("lite") is False
    assert [each.role for each in checkpoint.pickles] == ["object", "constants"]
    assert [(item.low, item.high) for item in checkpoint.writer if item.what == "torch"] == [("2.1", None)]


def test_lite_interpreter(module):
    with pytest.warns(DeprecationWarning, match="deprecated"):
        data = module._save_to_buffer_for_lite_interpreter()
    checkpoint = read(data)
    assert checkpoint.extra("lite") is True
    assert checkpoint.problems == ()
    assert len(checkpoint.tensors) == len(read(data).tensors) > 0


def test_mobile_flatbuffer_is_named_and_not_read():
    checkpoint = read(b"\x18\0\0\0PTMF" + b"\0" * 100)
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torchscript", "recognised", ())
    assert "mobile" in checkpoint.advice


def test_missing_records(data):
    entries = members(data)
    entries.pop("archive/data/0")
    assert [problem.kind for problem in read(packed(entries)).problems] == ["missing-record"]


def test_stray_member_matters_only_when_it_comes_first(data):
    stray = {"__MACOSX/._x": b"\0\5\26\7"}
    assert read(packed({**members(data), **stray})).problems == ()
    assert "several-roots" in [problem.kind for problem in read(packed({**stray, **members(data)})).problems]


def test_hidden_pickle_among_the_extra_files(data):
    entries = members(data)
    entries["archive/extra/x.bin"] = b"\x80\x04cos\nsystem\nX\x02\x00\x00\x00ls\x85R."
    (extra,) = [each for each in read(packed(entries)).pickles if each.role == "extra"]
    assert [str(found) for found in extra.globals] == ["os.system"]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
def test_cut(data, share):
    checkpoint = read(data[: int(len(data) * share)])
    assert checkpoint.state == "unreadable"
    assert "truncated" in [problem.kind for problem in checkpoint.problems]


def old_layout(document):
    return packed(
        {
            "old/version": "1\n",
            "old/code/model.py": "op_version_set = 1\n",
            "old/tensors/0": b"\0" * 24,
            "old/tensors/1": b"\0" * 24,
            "old/model.json": json.dumps(document),
        }
    )


OLD = {
    "protoVersion": "3",
    "mainModule": {
        "torchscriptArena": {"key": "code/model.py"},
        "parameters": [
            {"isBuffer": False, "tensorId": "0", "name": "w"},
            {"isBuffer": True, "tensorId": "1", "name": "b"},
        ],
        "submodules": [{"name": "sub", "parameters": [{"tensorId": "0", "name": "tied"}]}],
    },
    "producerName": "pytorch",
    "producerVersion": "1.0",
    "tensors": [
        {
            "dims": ["2", "3"],
            "strides": ["3", "1"],
            "requiresGrad": True,
            "dataType": "FLOAT",
            "data": {"key": "tensors/0"},
        },
        {"dims": ["2"], "offset": "1", "strides": ["1"], "dataType": "INT64", "data": {"key": "tensors/1"}},
    ],
}


def test_layout_before_1_4():
    checkpoint = read(old_layout(OLD))
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torchscript", "understood", ())
    described = {
        tensor.path: (tensor.kind, tensor.dtype, tensor.shape, tensor.storage) for tensor in checkpoint.tensors
    }
    assert described == {
        "w": ("parameter", "float32", (2, 3), 0),
        "b": ("buffer", "int64", (2,), 1),
        "sub.tied": ("parameter", "float32", (2, 3), 0),
    }


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {"mainModule": []},
        {**OLD, "tensors": []},
        {**OLD, "tensors": [[], {}]},
        {**OLD, "mainModule": {"parameters": [None, {"tensorId": "x" * 99}, {"tensorId": -1}, {"tensorId": 10**30}]}},
    ],
)
def test_layout_before_1_4_broken(broken):
    read(old_layout(broken))

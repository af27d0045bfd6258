import io
import json
import warnings
import zipfile

import pytest
import torch

from modeldoctor.readers.checkpoint import read_checkpoint, read_source
from modeldoctor.storage import Memory


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = torch.nn.Linear(3, 2)
        self.register_buffer("steps", torch.zeros(2, dtype=torch.int64))
        self.scale = torch.ones(2)
        self.tied = self.lin.weight

    def forward(self, x):
        return self.lin(x) * self.scale + self.steps + self.tied.sum()


@pytest.fixture(scope="module")
def exported():
    return torch.export.export(Net(), (torch.randn(4, 3),))


@pytest.fixture(scope="module")
def data(exported, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "net.pt2"
    torch.export.save(exported, path, extra_files={"note.txt": "hello"})
    return path.read_bytes()


def read(data):
    return read_source(Memory(data), "net.pt2", "net.pt2")


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def kinds(checkpoint):
    return [problem.kind for problem in checkpoint.problems]


def test_weights_are_the_tensors(exported, data):
    checkpoint = read(data)
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torch-export", "understood", ())
    assert checkpoint.anatomy.contents == "exported"
    ours = {tensor.path: tensor for tensor in checkpoint.tensors}
    for name, tensor in exported.state_dict.items():
        assert ours[name].shape == tuple(tensor.shape)
        assert ours[name].strides == tensor.stride()
        assert ours[name].dtype == str(tensor.dtype).removeprefix("torch.")
        assert ours[name].requires_grad == tensor.requires_grad
        assert ours[name].kind == ("parameter" if isinstance(tensor, torch.nn.Parameter) else "buffer")
    assert ours["tied"].storage == ours["lin.weight"].storage
    assert ours["scale"].kind == "tensor"
    for storage in checkpoint.storages:
        assert storage.stored_bytes == storage.size_bytes


def test_what_the_archive_says_of_itself(data):
    checkpoint = read(data)
    assert checkpoint.extra("schema_version") == "8.20"
    assert checkpoint.extra("opset_version") == {"aten": 10}
    assert checkpoint.extra("models") == ("model",)
    assert checkpoint.extra("extra_files") == ("note.txt",)
    version = torch.__version__.partition("+")[0]
    assert (version, version) in [(item.low, item.high) for item in checkpoint.writer]
    assert [each.role for each in checkpoint.pickles] == ["extra"]
    assert checkpoint.pickles[0].member.endswith("data/sample_inputs/model.pt!archive/data.pkl")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("data/weights/weight_0", None, "missing-record"),
        ("data/weights/weight_0", b"\0" * 4, "short-record"),
        ("data/weights/weight_0", b"", None),
        ("data/weights/model_weights_config.json", b"{", "damaged"),
        ("data/weights/model_weights_config.json", b"[]", "damaged"),
        ("data/weights/model_weights_config.json", b'{"config": {"a": {"path_name": 3}}}', "damaged"),
        ("models/model.json", b"[1]", "damaged"),
        ("data/sample_inputs/model.pt", b"PK\3\4", "truncated"),
    ],
)
def test_wrong_members(data, name, content, kind):
    entries = members(data)
    full = next(member for member in entries if member.endswith(name))
    if content is None:
        entries.pop(full)
    else:
        entries[full] = content
    assert set(kinds(read(packed(entries)))) == ({kind} if kind else set())


def old_layout(exported, version="8.7"):
    """As torch 2.3 to 2.7 wrote it: everything at the top, weights as a checkpoint of their own."""
    state, constants = io.BytesIO(), io.BytesIO()
    torch.save(dict(exported.state_dict), state)
    torch.save({}, constants)
    program = {"opset_version": {"aten": 10}, "dialect": "TRAINING", "schema_version": {"major": 8, "minor": 7}}
    return packed(
        {
            "serialized_exported_program.json": json.dumps(program),
            "serialized_state_dict.pt": state.getvalue(),
            "serialized_constants.pt": constants.getvalue(),
            "serialized_example_inputs.pt": constants.getvalue(),
            "version": version,
            "extra_files/note.txt": "hello",
        }
    )


def test_layout_of_2_7(exported):
    checkpoint = read(old_layout(exported))
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torch-export", "understood", ())
    assert [tensor.path for tensor in checkpoint.tensors] == list(exported.state_dict)
    places = {tensor.path: tensor.storage for tensor in checkpoint.tensors}
    assert places["tied"] == places["lin.weight"]
    assert checkpoint.extra("schema_version") == "8.7"
    assert checkpoint.extra("extra_files") == ("note.txt",)
    members = [each.member for each in checkpoint.pickles]
    assert checkpoint.main_pickle.member == "serialized_state_dict.pt!archive/data.pkl"
    assert "serialized_constants.pt!archive/data.pkl" in members
    assert [(item.low, item.high) for item in checkpoint.writer if item.what == "torch"] == [("2.7", "2.7")]


def test_code_in_a_nested_pickle_is_seen(exported):
    entries = members(old_layout(exported))
    entries["serialized_example_inputs.pt"] = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."
    checkpoint = read(packed(entries))
    assert any(str(found) == "os.system" for each in checkpoint.pickles for found in each.globals)


def test_compiled_package():
    folder = "net/data/aotinductor/model/"
    checkpoint = read(
        packed(
            {
                f"{folder}abc.wrapper.so": b"\x7fELF" + b"\0" * 60,
                f"{folder}abc.wrapper_metadata.json": '{"AOTI_DEVICE_KEY": "cuda"}',
                "net/archive_format": "pt2",
                "net/archive_version": "0",
                "net/.data/version": "6\n",
                "net/byteorder": "little",
            }
        )
    )
    assert checkpoint.title == "AOTInductor package (.pt2)"
    assert "model/abc.wrapper.so" in checkpoint.extra("compiled")
    assert checkpoint.problems == ()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    path = folder / "net.pt"
    with warnings.catch_warnings(), torch.package.PackageExporter(str(path)) as exporter:
        warnings.simplefilter("ignore")  # torch warns of its own use of TypedStorage, once per process
        exporter.extern(["torch.**", "collections"])
        exporter.save_source_string("shop.nets", "class Tag: pass\n")
        exporter.save_pickle("model", "model.pkl", {"w": torch.ones(2, 3), "b": torch.zeros(4)})
        exporter.save_text("model", "notes.txt", "hello")
    return path


def test_package(package):
    checkpoint = read_checkpoint(str(package), "net.pt")
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("torch-package", "understood", ())
    assert [(tensor.path, tensor.shape) for tensor in checkpoint.tensors] == [("w", (2, 3)), ("b", (4,))]
    assert [storage.stored_bytes for storage in checkpoint.storages] == [24, 16]
    assert "torch._utils" in checkpoint.extra("externs")
    assert "shop/nets.py" in checkpoint.extra("sources")
    assert checkpoint.pickles[0].member == "net/model/model.pkl"
    assert "python" in {item.what for item in checkpoint.writer}


@pytest.mark.parametrize("kind", ["export", "package"])
def test_every_flipped_byte_ends_well(kind, data, package):
    content = data if kind == "export" else package.read_bytes()
    for position in range(0, len(content), 23):
        read(content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_cut(share, data, package):
    for content in (data, package.read_bytes()):
        checkpoint = read(content[: int(len(content) * share)])
        assert checkpoint.state == "unreadable"
        assert "truncated" in kinds(checkpoint)

"""What code comes to without being run."""

from pathlib import Path

import pytest

from modeldoctor.facts.archive import Act, Archive
from modeldoctor.readers.archive import read_archive
from tests.rules.archives import NET, eager, handled, mar


def read(make, folder: Path) -> Archive:
    return read_archive(str(make(folder)), "m.mar")


def acts(body: str, folder: Path, **model: object) -> tuple[Act, ...]:
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    source = "import json, os, torch\nfrom pathlib import Path\n\nNAME = 'model.pth'\n\n\nclass H:\n"
    source += (
        "    def initialize(self, context):\n" + lines + "    def handle(self, data, context):\n        return []\n"
    )
    return tuple(
        act
        for act in read(handled(source.encode(), **model), folder).acts
        if act.phase == "load" and act.kind != "import"
    )


@pytest.mark.parametrize(
    "expression",
    [
        'os.path.join(context.system_properties.get("model_dir"), "model.pth")',
        'context.system_properties["model_dir"] + "/model.pth"',
        'Path(context.system_properties["model_dir"]) / "model.pth"',
        "f\"{context.system_properties['model_dir']}/{NAME}\"",
        "os.path.join(os.path.dirname(os.path.abspath(__file__)), NAME)",
        'os.path.join(context.system_properties["model_dir"], context.manifest["model"]["serializedFile"])',
        'str(Path(__file__).parent / "model.pth")',
        'os.path.join(os.getcwd(), "model.pth")',
    ],
)
def test_paths(expression: str, tmp_path: Path) -> None:
    (act,) = acts(f"torch.load({expression})", tmp_path, serializedFile="model.pth")
    assert (act.kind, act.value.text, act.sure) == ("load", "{model_dir}/model.pth", True)


@pytest.mark.parametrize(
    "body",
    [
        "if os.environ.get('X'):\n    open('x')",
        "for name in context.names:\n    open('x')",
        "try:\n    open('x')\nexcept OSError:\n    pass",
        "if context.model_name == 'a':\n    return\nopen('x')",
    ],
)
def test_what_is_not_sure(body: str, tmp_path: Path) -> None:
    assert [act.sure for act in acts(body, tmp_path) if act.kind == "open"] == [False]


def test_what_a_known_test_decides(tmp_path: Path) -> None:
    found = acts("if os.path.exists('handler.py'):\n    open('a')\nelse:\n    open('b')", tmp_path)
    assert [(act.value.text, act.sure) for act in found] == [("a", True)]


def test_methods_and_functions_are_followed(tmp_path: Path) -> None:
    source = b"""
import torch

def path(name):
    return "weights/" + name

class H:
    def __init__(self, kind="a"):
        self.kind = kind
    def initialize(self, context):
        self.model = self.load("net.pth")
    def load(self, name):
        return torch.load(path(name), map_location="cpu")
    def handle(self, data, context):
        return []
"""
    (act,) = [act for act in read(handled(source), tmp_path).acts if act.kind == "load"]
    assert (act.value.text, act.options) == ("weights/net.pth", (("map_location", "cpu"),))


@pytest.mark.parametrize(
    "source",
    [
        b"def handle(data, context):\n    return handle(data, context)\n",
        b"".join(b"def f%d(x):\n    f%d(x); f%d(x)\n    return f%d(x)\n" % (n, n + 1, n + 1, n + 1) for n in range(40))
        + b"def handle(data, context):\n    return f0(data)\n",
        b"x = " + b"(" * 190 + b")" * 190 + b"\n",
        b"x = " + b"-" * 4000 + b"1\n",
        b"x = a" + b".b" * 4000 + b"\n",
        b"".join(b"class C%d(C%d): pass\n" % (n + 1, n) for n in range(3000)),
    ],
    ids=["recursion", "fan-out", "brackets", "signs", "attributes", "classes"],
)
def test_hostile_code_ends(source: bytes, tmp_path: Path) -> None:
    assert read(handled(source), tmp_path).modules


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ("self.a = nn.Linear(4, 2)", {"a.weight": (2, 4), "a.bias": (2,)}),
        ("size = 3\nself.a = nn.Linear(size * 2, size, bias=False)", {"a.weight": (3, 6)}),
        ("self.a = nn.Conv2d(3, 8, (3, 5), groups=1)", {"a.weight": (8, 3, 3, 5), "a.bias": (8,)}),
        ("self.a = nn.ConvTranspose1d(4, 2, 3)", {"a.weight": (4, 2, 3), "a.bias": (2,)}),
        (
            "self.a = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.PReLU())",
            {"a.0.weight": (2, 1), "a.0.bias": (2,), "a.2.weight": None},
        ),
        (
            "self.a = nn.BatchNorm1d(3, affine=False)",
            {"a.running_mean": (3,), "a.running_var": (3,), "a.num_batches_tracked": ()},
        ),
        ("self.a = 5\nself.b = nn.Dropout(0.5)", {}),
        ("self.a = nn.Parameter(torch.zeros(2))", {"a": None}),
        ("self.a = nn.Linear(1, 1)\nself.a = nn.Identity()", {}),
    ],
)
def test_shapes(body: str, keys: dict[str, object], tmp_path: Path) -> None:
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    model = NET.replace(b"        self.fc = nn.Linear(4, 2)\n", lines.encode())
    (shape,) = read(eager({"model.py": model}), tmp_path).shapes
    assert shape.whole
    assert dict(shape.keys) == keys


@pytest.mark.parametrize(
    "body",
    [
        "for n in 'ab':\n            setattr(self, n, nn.Linear(1, 1))",
        "self.a = make()",
        "self.add_module('a', nn.ReLU())",
        "self.a = nn.LSTM(1, 1)",
    ],
)
def test_shapes_that_are_not_whole(body: str, tmp_path: Path) -> None:
    model = NET.replace(b"self.fc = nn.Linear(4, 2)", body.encode())
    (shape,) = read(eager({"model.py": model}), tmp_path).shapes
    assert not shape.whole


def test_nothing_is_imported_or_run(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    source = f"open({str(trap)!r}, 'w').close()\nimport model\n\n\nclass H:\n    pass\n".encode()
    read(mar({"handler.py": source, "model.py": source}, modelFile="model.py"), tmp_path)
    assert not trap.exists()


def test_a_buffer_that_may_not_be_kept_leaves_the_keys_open(tmp_path: Path) -> None:
    line = b'self.fc = nn.Linear(4, 2)\n        self.register_buffer("x", torch.zeros(1), persistent=False)'
    (shape,) = read(eager({"model.py": NET.replace(b"self.fc = nn.Linear(4, 2)", line)}), tmp_path).shapes
    assert not shape.whole

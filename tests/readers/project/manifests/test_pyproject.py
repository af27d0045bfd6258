import pytest

from modeldoctor.facts.pins import Manifest
from modeldoctor.readers.project.manifests import parse
from modeldoctor.readers.project.manifests.poetry import constraint

PEP621 = """
[project]
name = "shop"
requires-python = ">=3.10,<3.13"
dependencies = ["torch==2.6.0", "flask"]

[project.optional-dependencies]
gpu = ["torch==2.6.0+cu124"]

[dependency-groups]
test = ["pytest", {include-group = "gpu"}]
gpu = ["xformers==0.0.29"]
"""

UV = """
[project]
dependencies = [
    "torch>=2.6",
    "torchvision",
]
[tool.uv]
constraint-dependencies = ["numpy<2"]
[tool.uv.pip]
torch-backend = "auto"
[tool.uv.sources]
torch = [
  { index = "pytorch-cpu", marker = "sys_platform != 'linux'" },
  { index = "pytorch-cu124", marker = "sys_platform == 'linux'" },
]
torchvision = { url = "https://x/whl/cu124/torchvision-0.21.0%2Bcu124-cp312-cp312-linux_x86_64.whl" }
[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://x/whl/cpu"
explicit = true
[[tool.uv.index]]
name = "pytorch-cu124"
url = "https://x/whl/cu124"
explicit = true
[[tool.uv.index]]
url = "https://mirror/simple"
default = true
"""

POETRY = """
[tool.poetry.dependencies]
python = "^3.9"
torch = {version = "^2.2.0+cu121", source = "pytorch-cu"}
numpy = [
  {version = "<=1.21", python = "<3.8"},
  {version = "^1.24", python = ">=3.8"},
]
torchvision = {url = "https://x/whl/cu121/torchvision-0.17.0%2Bcu121-cp310-cp310-linux_x86_64.whl"}
scipy = "*"
[tool.poetry.dependencies.xformers]
version = "0.0.24"
optional = true
[tool.poetry.group.dev.dependencies]
pytest = "^8"
[[tool.poetry.source]]
name = "pytorch-cu"
url = "https://x/whl/cu121"
priority = "explicit"
"""


def read(text: str) -> Manifest:
    return parse(text, "pyproject.toml", "pyproject")


def rows(manifest: Manifest) -> list[tuple[str, str, str, int | None]]:
    return [(pin.name, pin.specifier, pin.group, pin.line) for pin in manifest.step.pins]


def test_pep621_and_groups() -> None:
    assert rows(read(PEP621)) == [
        ("python", ">=3.10,<3.13", "", 4),
        ("torch", "==2.6.0", "", 5),
        ("flask", "", "", 5),
        ("torch", "==2.6.0+cu124", "gpu", 8),
        ("pytest", "", "test", 11),
        ("xformers", "==0.0.29", "gpu", 12),
    ]


def test_uv_sources_and_indexes() -> None:
    manifest = read(UV)
    torch = [pin for pin in manifest.step.pins if pin.name == "torch"]
    assert [(pin.origin, pin.marker) for pin in torch] == [
        ("pytorch-cpu", "(sys_platform != 'linux')"),
        ("pytorch-cu124", "(sys_platform == 'linux')"),
    ]
    (vision,) = [pin for pin in manifest.step.pins if pin.name == "torchvision"]
    assert (vision.version, vision.variant) == ("0.21.0+cu124", "cu124")
    assert [(index.name, index.role) for index in manifest.step.indexes] == [
        ("pytorch-cpu", "named"),
        ("pytorch-cu124", "named"),
        ("", "index"),
    ]
    assert manifest.step.tool == "uv"
    assert manifest.step.option("torch-backend") == "auto@10"
    assert [pin.role for pin in manifest.step.pins if pin.name == "numpy"] == ["constraint"]


def test_poetry() -> None:
    manifest = read(POETRY)
    found = {(pin.name, pin.specifier): pin for pin in manifest.step.pins}
    assert ("python", ">=3.9,<4") in found
    torch = found["torch", ">=2.2.0,<3"]
    assert (torch.variant, torch.origin, torch.line) == ("cu121", "pytorch-cu", 4)
    assert found["numpy", ">=1.24,<2"].marker == "(python_version >= '3.8')"
    assert found["torchvision", "==0.17.0+cu121"].variant == "cu121"
    assert found["xformers", "==0.0.24"].line == 12
    assert found["pytest", ">=8,<9"].group == "dev"
    assert [(index.name, index.role) for index in manifest.step.indexes] == [("pytorch-cu", "named")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", ""),
        ("^2.1", ">=2.1,<3"),
        ("^0.9.1", ">=0.9.1,<0.10"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("~2.1.3", ">=2.1.3,<2.2"),
        ("~2", ">=2,<3"),
        ("2.1.0", "==2.1.0"),
        ("2.1.*", "==2.1.*"),
        ("=2.1.0", "==2.1.0"),
        (">=2.0,<2.2", ">=2.0,<2.2"),
        (">=2.0 <2.2", ">=2.0,<2.2"),
        ("<1.21 || ^1.24", ">=1.24,<2"),
        ("!=2.0.1", "!=2.0.1"),
        ("latest", None),
    ],
)
def test_poetry_constraints(text: str, expected: str | None) -> None:
    assert constraint(text) == expected


def test_pdm_and_hatch() -> None:
    text = '[tool.pdm.dev-dependencies]\ngpu = ["torch==2.1.0"]\n[[tool.pdm.source]]\nname="t"\nurl="https://x/whl/cu118"\n[tool.hatch.envs.serve]\ndependencies = ["torchvision==0.16.0"]\n'
    manifest = read(text)
    assert [(pin.name, pin.group) for pin in manifest.step.pins] == [("torch", "gpu"), ("torchvision", "hatch:serve")]
    assert [index.url for index in manifest.step.indexes] == ["https://x/whl/cu118"]


def test_dynamic_dependencies_are_said() -> None:
    manifest = read('[project]\nname = "x"\ndynamic = ["version", "dependencies"]\n')
    assert [(flaw.kind, flaw.line) for flaw in manifest.flaws] == [("dynamic", 3)]


def test_a_broken_file_is_read_as_far_as_it_goes() -> None:
    manifest = read(
        '[project]\ndependencies = ["torch==2.1.0"]\nname = what\n???\n[dependency-groups]\nx = ["numpy"]\n'
    )
    assert [pin.name for pin in manifest.step.pins] == ["torch", "numpy"]
    assert [(flaw.kind, flaw.line) for flaw in manifest.flaws] == [("syntax", 4)]
    assert manifest.state == "partly understood"

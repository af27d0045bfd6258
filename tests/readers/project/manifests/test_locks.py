from modeldoctor.facts.pins import Manifest
from modeldoctor.readers.project.manifests import parse, read_manifest

UV = """
version = 1
requires-python = ">=3.11"
resolution-markers = ["sys_platform == 'linux'"]

[[package]]
name = "shop"
version = "0.1.0"
source = { editable = "." }
dependencies = [
    { name = "torch" },
]

[[package]]
name = "torch"
version = "2.6.0+cu124"
source = { registry = "https://x/whl/cu124" }
resolution-markers = [
    "sys_platform == 'linux'",
    "sys_platform == 'win32'",
]
wheels = [
    { url = "https://x/whl/cu124/torch-2.6.0%2Bcu124-cp311-cp311-linux_x86_64.whl", hash = "sha256:aa" },
]

[[package]]
name = "torch"
version = "2.6.0"
source = { registry = "https://mirror/simple" }
resolution-markers = ["sys_platform == 'darwin'"]
"""

POETRY = """
[[package]]
name = "torch"
version = "1.10.2+cu111"
description = "Tensors"
optional = false
python-versions = ">=3.6.2"
groups = ["main"]
markers = "sys_platform == \\"linux\\""
files = [
    {file = "torch-1.10.2+cu111-cp39-cp39-linux_x86_64.whl", hash = "sha256:aa"},
]

[package.dependencies]
typing-extensions = "*"

[package.source]
type = "legacy"
url = "https://x/whl/cu111"
reference = "torch"

[[package]]
name = "pytest"
version = "8.0.0"
groups = ["dev"]

[metadata]
lock-version = "2.1"
python-versions = ">=3.9,<3.10"
"""

PDM = """
[metadata]
groups = ["default"]
[[package]]
name = "torch"
version = "2.1.0"
groups = ["default"]
files = [
    {url = "https://x/whl/cu118/torch-2.1.0%2Bcu118-cp310-cp310-linux_x86_64.whl", hash = "sha256:aa"},
]
wheels = [
    {url = "https://x/whl/cu118/torch-2.1.0%2Bcu118-cp310-cp310-linux_x86_64.whl", hash = "sha256:aa"},
]
"""

PYLOCK = """
lock-version = "1.0"
requires-python = ">=3.12"
created-by = "uv"

[[packages]]
name = "torch"
version = "2.7.1"
index = "https://mirror/simple"
marker = "sys_platform == 'linux'"
wheels = [{ url = "https://mirror/torch-2.7.1-cp312-cp312-manylinux_2_28_x86_64.whl" }]
"""

PIPFILE_LOCK = """{
    "_meta": {
        "requires": {"python_version": "3.8"},
        "sources": [{"name": "pytorch", "url": "https://x/whl/cu118"}]
    },
    "default": {
        "torch": {
            "index": "pytorch",
            "version": "==2.0.1+cu118"
        }
    },
    "develop": {
        "pytest": {
            "version": "==8.0.0"
        }
    }
}
"""


def rows(manifest: Manifest) -> list[tuple[str, str, str, int | None]]:
    return [(pin.name, pin.version, pin.variant, pin.line) for pin in manifest.step.pins if pin.name != "python"]


def test_uv() -> None:
    manifest = parse(UV, "uv.lock", "uv.lock")
    assert rows(manifest) == [
        ("shop", "0.1.0", "", 8),
        ("torch", "2.6.0+cu124", "cu124", 16),
        ("torch", "2.6.0", "", 28),
    ]
    assert manifest.step.pins[0].specifier == ">=3.11"
    assert manifest.step.pins[2].marker == "(sys_platform == 'linux') or (sys_platform == 'win32')"
    assert manifest.state == "understood"


def test_poetry() -> None:
    manifest = parse(POETRY, "poetry.lock", "poetry.lock")
    assert rows(manifest) == [("torch", "1.10.2+cu111", "cu111", 4), ("pytest", "8.0.0", "", 24)]
    torch, pytest_ = (pin for pin in manifest.step.pins if pin.name != "python")
    assert torch.origin == "https://x/whl/cu111"
    assert torch.marker == 'sys_platform == "linux"'
    assert pytest_.group == "dev"
    assert [pin.specifier for pin in manifest.step.pins if pin.name == "python"] == [">=3.9,<3.10"]


def test_pdm_finds_the_build_in_the_wheel() -> None:
    assert rows(parse(PDM, "pdm.lock", "pdm.lock")) == [("torch", "2.1.0", "cu118", 6)]


def test_pylock() -> None:
    manifest = parse(PYLOCK, "pylock.toml", "pylock")
    assert rows(manifest) == [("torch", "2.7.1", "", 8)]


def test_pipfile_lock() -> None:
    manifest = parse(PIPFILE_LOCK, "Pipfile.lock", "pipfile.lock")
    assert rows(manifest) == [("torch", "2.0.1+cu118", "cu118", 7), ("pytest", "8.0.0", "", 13)]
    assert [index.name for index in manifest.step.indexes] == ["pytorch"]


def test_a_lock_left_in_conflict() -> None:
    text = PYLOCK.replace('version = "2.7.1"', '<<<<<<< HEAD\nversion = "2.7.1"\n=======\nversion = "2.8.0"\n>>>>>>> x')
    manifest = parse(text, "pylock.toml", "pylock")
    assert [flaw.kind for flaw in manifest.flaws] == ["conflict", "conflict", "conflict"]
    assert manifest.state == "partly understood"
    assert [pin.name for pin in manifest.step.pins] == ["python", "torch"]


def test_broken_json() -> None:
    manifest = parse('{"default": {\n"torch": }', "Pipfile.lock", "pipfile.lock")
    assert [(flaw.kind, flaw.line) for flaw in manifest.flaws] == [("syntax", 2)]
    assert parse("[" * 100_000, "Pipfile.lock", "pipfile.lock").state == "not understood"
    assert parse("[]", "Pipfile.lock", "pipfile.lock").step.pins == ()


def test_a_huge_lock_is_read_in_part(tmp_path, monkeypatch) -> None:
    from modeldoctor.readers.project.manifests import text

    monkeypatch.setattr(text, "MAX_LOCK_BYTES", 1 << 20)
    path = tmp_path / "uv.lock"
    filler = '[[package]]\nname = "p"\nversion = "1"\n' * 40_000
    path.write_text(UV + filler)
    manifest = read_manifest(str(path), "uv.lock")
    assert manifest.state == "partly understood"
    assert {flaw.kind for flaw in manifest.flaws} == {"limit"}
    assert manifest.step.pins[2].name == "torch"

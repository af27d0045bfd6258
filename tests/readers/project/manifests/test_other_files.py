import pytest

from modeldoctor.readers.project.manifests import kind_of, parse

SETUP_PY = """
import os
from setuptools import setup, find_packages
BASE = ["torch==2.1.0", "numpy<2"]
EXTRA = BASE + ["flask"]
def read(name):
    return open(name).read().splitlines()
setup(
    name="shop",
    python_requires=">=3.8",
    install_requires=EXTRA + read("more.txt"),
    extras_require={"gpu": ["xformers==0.0.24"], "test": TESTS},
)
"""

SETUP_CFG = """
[options]
python_requires = >=3.8
install_requires =
    torch==2.1.0
    # comment
    numpy<2; python_version < "3.12"

[options.extras_require]
gpu =
    xformers==0.0.24
[tool:pytest]
addopts = -q
"""

PIPFILE = """
[[source]]
url = "https://mirror/simple"
name = "main"
[[source]]
url = "https://x/whl/cu118"
name = "pytorch"
[packages]
torch = {version = "==2.0.1", index = "pytorch"}
torchvision = {file = "https://x/whl/cu118/torchvision-0.15.2%2Bcu118-cp38-cp38-linux_x86_64.whl"}
flask = "*"
[dev-packages]
pytest = ">=8"
[requires]
python_version = "3.8"
"""


def test_setup_py() -> None:
    manifest = parse(SETUP_PY, "setup.py", "setup.py")
    assert [(pin.name, pin.specifier, pin.group, pin.line) for pin in manifest.step.pins] == [
        ("python", ">=3.8", "", 10),
        ("torch", "==2.1.0", "", 4),
        ("numpy", "<2", "", 4),
        ("flask", "", "", 5),
        ("xformers", "==0.0.24", "gpu", 12),
    ]
    assert [(flaw.kind, flaw.line) for flaw in manifest.flaws] == [("dynamic", 11), ("dynamic", 12)]


@pytest.mark.parametrize(
    "text",
    ["x = (", "setup(install_requires=A)\nA = A + A", "\0", "(" * 500, "A = A + ['x']\nsetup(install_requires=A)"],
)
def test_odd_setup_py_is_survived(text: str) -> None:
    parse(text, "setup.py", "setup.py")


def test_setup_cfg() -> None:
    manifest = parse(SETUP_CFG, "setup.cfg", "setup.cfg")
    assert [(pin.name, pin.group, pin.line) for pin in manifest.step.pins] == [
        ("python", "", 3), ("torch", "", 5), ("numpy", "", 7), ("xformers", "gpu", 11),
    ]  # fmt: skip


def test_pipfile() -> None:
    manifest = parse(PIPFILE, "Pipfile", "pipfile")
    assert [(pin.name, pin.specifier, pin.variant, pin.origin, pin.group) for pin in manifest.step.pins] == [
        ("torch", "==2.0.1", "", "pytorch", ""),
        ("torchvision", "==0.15.2+cu118", "cu118", "", ""),
        ("flask", "", "", "", ""),
        ("pytest", ">=8", "", "", "dev"),
        ("python", "==3.8.*", "", "", ""),
    ]
    assert [index.role for index in manifest.step.indexes] == ["index", "named"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".python-version", "# a comment\n3.11.4\n", "==3.11.4"),
        (".python-version", "cpython-3.12\n", "==3.12.*"),
        (".python-version", "pypy3.9-7.3\n", None),
        ("runtime.txt", "python-3.10.4\n", "==3.10.4"),
        (".tool-versions", "nodejs 20\npython 3.9.1 3.8.2\n", "==3.9.1"),
        ("mise.toml", '[tools]\npython = ["3.12", "3.11"]\n', "==3.12.*"),
    ],
)
def test_python_versions(name: str, text: str, expected: str | None) -> None:
    manifest = parse(text, name, kind_of(name))
    pins = manifest.step.pins if manifest.step else ()
    assert [pin.specifier for pin in pins] == ([expected] if expected else [])


def test_ci_matrices() -> None:
    text = 'jobs:\n  test:\n    strategy:\n      matrix:\n        python-version: ["3.8", "3.12"]\n    steps:\n      - uses: actions/setup-python@v5\n        with:\n          python-version: ${{ matrix.python-version }}\n'
    manifest = parse(text, ".github/workflows/ci.yml", "ci")
    assert [(pin.specifier, pin.line) for pin in manifest.step.pins] == [("==3.8.*", 5), ("==3.12.*", 5)]
    text = "test:\n  image: python:3.10-slim\n  script: [pytest]\n"
    assert [pin.specifier for pin in parse(text, ".gitlab-ci.yml", "ci").step.pins] == ["==3.10.*"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("requirements.txt", "requirements"),
        ("requirements-gpu.txt", "requirements"),
        ("a/requirements/prod.txt", "requirements"),
        ("requirements.in", "requirements"),
        ("constraints.txt", "constraints"),
        ("Dockerfile", "dockerfile"),
        ("docker/Dockerfile.gpu", "dockerfile"),
        ("gpu.dockerfile", "dockerfile"),
        (".dockerignore", ""),
        ("Dockerfile.dockerignore", ""),
        ("environment-gpu.yml", "conda"),
        ("pylock.gpu.toml", "pylock"),
        (".github/workflows/ci.yml", "ci"),
        ("workflows/ci.yml", ""),
        ("README.md", ""),
        ("notes.txt", ""),
        ("setup.py", "setup.py"),
    ],
)
def test_names(path: str, kind: str) -> None:
    assert kind_of(path) == kind

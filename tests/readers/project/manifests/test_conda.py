import pytest

from modeldoctor.readers.project.manifests import conda, parse

ENVIRONMENT = """name: shop
channels:
  - pytorch
  - nvidia
dependencies:
  - python=3.10
  - pytorch::pytorch=2.1.0=py3.10_cuda11.8_cudnn8.7.0_0
  - pytorch-cuda=11.8
  - numpy<2
  - pip
  - pip:
    - --extra-index-url https://x/whl/cu118
    - torchvision==0.16.0
    - -r more.txt
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pytorch::pytorch=2.1.0=py3.10_cuda11.8_cudnn8.7.0_0", ("torch", "==2.1.0", "2.1.0", "cu118")),
        ("pytorch=2.8.0=cuda129_generic_py312_h1_200", ("torch", "==2.8.0", "2.8.0", "cu129")),
        ("pytorch=2.1", ("torch", "==2.1.*", "", "")),
        ("pytorch=2.1.0", ("torch", "==2.1.0.*", "2.1.0", "")),
        ("pytorch==2.0.0", ("torch", "==2.0.0", "2.0.0", "")),
        ("pytorch 2.0.*", ("torch", "==2.0.*", "", "")),
        ("pytorch>=1.7,<2", ("torch", ">=1.7,<2", "", "")),
        ("pytorch-cpu=2.0", ("torch", "==2.0.*", "", "cpu")),
        ("pytorch-cuda=11.8", ("cuda", "==11.8.*", "11.8", "")),
        ("cudatoolkit=11.3", ("cuda", "==11.3.*", "11.3", "")),
        ("cpuonly", ("cuda", "", "cpu", "cpu")),
        ("conda-forge::numpy", ("numpy", "", "", "")),
        ("numpy 1.26.4 py311_0", ("numpy", "==1.26.4", "1.26.4", "")),
    ],
)
def test_specs(text: str, expected: tuple[str, str, str, str]) -> None:
    (pin,) = conda.spec(text, "environment.yml", 1)
    assert (pin.name, pin.specifier, pin.version, pin.variant) == expected


def test_environment() -> None:
    manifest = parse(ENVIRONMENT, "environment.yml", "conda")
    assert [(pin.name, pin.line) for pin in manifest.step.pins] == [
        ("python", 6), ("torch", 7), ("cuda", 8), ("numpy", 9), ("pip", 10),
    ]  # fmt: skip
    (pip,) = manifest.steps
    assert [(pin.name, pin.version, pin.line) for pin in pip.pins] == [("torchvision", "0.16.0", 13)]
    assert [(index.url, index.line) for index in pip.indexes] == [("https://x/whl/cu118", 12)]
    assert [(include.target, include.line) for include in pip.includes] == [("more.txt", 14)]


def test_lock() -> None:
    text = "version: 1\npackage:\n- name: pytorch\n  version: 2.1.0\n  manager: conda\n  platform: linux-64\n  build: py3.10_cuda11.8_0\n- name: pytorch\n  version: 2.1.0\n  manager: conda\n  platform: osx-64\n- name: flask\n  version: 3.0.0\n  manager: pip\n"
    manifest = parse(text, "conda-lock.yml", "conda-lock")
    assert [(pin.name, pin.version, pin.variant, pin.line) for pin in manifest.step.pins] == [
        ("torch", "2.1.0", "cu118", 4),
        ("flask", "3.0.0", "", 13),
    ]


def test_broken_yaml_keeps_what_came_before() -> None:
    manifest = parse("dependencies:\n  - pytorch=2.1.0\n  - numpy=1.26\n bad: [\n", "environment.yml", "conda")
    assert [pin.name for pin in manifest.step.pins] == ["torch", "numpy"]
    assert [flaw.kind for flaw in manifest.flaws] == ["syntax"]
    assert manifest.state == "partly understood"


def test_an_alias_bomb_is_survived() -> None:
    lines = ["dependencies:", "  a0: &a0 [x, x]"]
    lines += [f"  a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, 40)]
    assert parse("\n".join(lines), "environment.yml", "conda").state == "understood"


@pytest.mark.parametrize(
    "text", ["dependencies: " + "[" * 100_000, "dependencies:\n" + "- " * 50_000, "dependencies: &a [*a]"]
)
def test_hostile_yaml_is_survived(text: str) -> None:
    parse(text, "environment.yml", "conda")

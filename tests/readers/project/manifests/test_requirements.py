import pytest

from modeldoctor.facts.pins import Manifest
from modeldoctor.readers.project.manifests import parse, read_manifest
from modeldoctor.readers.project.manifests.text import decode


def read(text: str) -> Manifest:
    return parse(text, "requirements.txt", "requirements")


def pins(text: str) -> list[tuple[str, str, str, str, int | None]]:
    step = read(text).step
    return [(pin.name, pin.specifier, pin.version, pin.variant, pin.line) for pin in step.pins]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch==2.1.0", ("torch", "==2.1.0", "2.1.0", "")),
        ("Torch == 2.1.0", ("torch", "==2.1.0", "2.1.0", "")),
        ("torch==2.1.0+cu118", ("torch", "==2.1.0+cu118", "2.1.0+cu118", "cu118")),
        ("torch===1.8.1", ("torch", "===1.8.1", "1.8.1", "")),
        ("torch>=2.0,<2.2  # why", ("torch", "<2.2,>=2.0", "", "")),
        ("torch==2.1.*", ("torch", "==2.1.*", "", "")),
        ("open_clip.torch", ("open-clip-torch", "", "", "")),
        ("torch[opt]==2.1.0 --hash=sha256:aa --hash=sha256:bb", ("torch", "==2.1.0", "2.1.0", "")),
        ("torch (>=1.7)", ("torch", ">=1.7", "", "")),
        ("torch @ https://x.org/whl/cu121/torch-2.4.1%2Bcu121-cp310-cp310-linux_x86_64.whl", ("torch", "==2.4.1+cu121", "2.4.1+cu121", "cu121")),
        ("https://x.org/torch-2.4.1+cpu-cp310-cp310-linux_x86_64.whl", ("torch", "==2.4.1+cpu", "2.4.1+cpu", "cpu")),
        ("./wheels/torch-1.13.1-cp38-cp38-linux_x86_64.whl", ("torch", "==1.13.1", "1.13.1", "")),
        ("git+https://github.com/x/y.git@main#egg=some_thing", ("some-thing", "", "", "")),
        ("flash-attn @ https://x.org/flash_attn-2.5.6+cu122torch2.1cxx11abiFALSE-cp310-cp310-linux_x86_64.whl", ("flash-attn", "==2.5.6+cu122torch2.1cxx11abiFALSE", "2.5.6+cu122torch2.1cxx11abiFALSE", "")),
        ("torch==2.5.1+rocm6.2", ("torch", "==2.5.1+rocm6.2", "2.5.1+rocm6.2", "rocm6.2")),
    ],
)  # fmt: skip
def test_one_line(line: str, expected: tuple[str, str, str, str]) -> None:
    assert pins(line) == [(*expected, 1)]


def test_markers_and_extras_are_kept() -> None:
    (pin,) = read("torch[opt] == 2.4.0+cu118 ; sys_platform == 'linux'").step.pins
    assert pin.marker == 'sys_platform == "linux"'
    assert pin.extras == ("opt",)


def test_continuations_and_comments_keep_line_numbers() -> None:
    text = "# head\n\ntorch==2.1.0 \\\n    # in between\n    --hash=sha256:aa \\\n    --hash=sha256:bb\nnumpy<2\r\n"
    assert [(pin[0], pin[-1]) for pin in pins(text)] == [("torch", 3), ("numpy", 7)]


def test_indexes_and_options() -> None:
    text = "-i https://a/simple\n--extra-index-url=https://b/whl/cu118\n-f https://c/whl/torch_stable.html\n--pre\n--no-index\n"
    step = read(text).step
    assert [(index.role, index.url, index.line) for index in step.indexes] == [
        ("index", "https://a/simple", 1),
        ("extra", "https://b/whl/cu118", 2),
        ("find-links", "https://c/whl/torch_stable.html", 3),
    ]
    assert step.options == ("pre", "no-index")


def test_includes() -> None:
    includes = read("-r base.txt\n-c limits.txt\n--requirement=more.txt\n-rglued.txt\n").step.includes
    assert [(item.target, item.constraints, item.line) for item in includes] == [
        ("base.txt", False, 1),
        ("limits.txt", True, 2),
        ("more.txt", False, 3),
        ("glued.txt", False, 4),
    ]


@pytest.mark.parametrize("text", ["torch>=2.0.0+cu121", "torch~=2.1+cu118", "torch==banana", "torch>=1.7.*"])
def test_an_invalid_specifier_keeps_the_pin(text: str) -> None:
    (pin,) = read(text).step.pins
    assert pin.name == "torch"
    assert pin.flaw


def test_an_option_behind_a_requirement_is_a_flaw() -> None:
    manifest = read("torch --index-url https://x/whl/cu118\n")
    (flaw,) = manifest.flaws
    assert (flaw.kind, flaw.line) == ("option", 1)
    assert manifest.step.indexes == ()


def test_what_is_no_requirement_is_a_flaw_and_the_rest_counts() -> None:
    manifest = read(
        "torch==2.1.0\n<<<<<<< HEAD\nnumpy==1.26\n=======\nnumpy==2.0\n>>>>>>> main\nimport torch\n--nonsense\n"
    )
    assert [pin.name for pin in manifest.step.pins] == ["torch", "numpy", "numpy"]
    assert sorted((flaw.kind, flaw.line) for flaw in manifest.flaws) == [
        ("conflict", 2), ("conflict", 6), ("option", 8), ("requirement", 7),
    ]  # fmt: skip
    assert manifest.state == "partly understood"


def test_a_conda_list_is_understood() -> None:
    text = "# This file may be used to create an environment using:\n# $ conda create --name <env> --file <this file>\n# platform: linux-64\npytorch=2.1.0=py3.10_cuda11.8_cudnn8.7.0_0\nnumpy=1.26.4=pypi_0\n"
    manifest = read(text)
    assert manifest.kind == "conda"
    assert [(pin.name, pin.version, pin.variant, pin.manager) for pin in manifest.step.pins] == [
        ("torch", "2.1.0", "cu118", "conda"),
        ("numpy", "1.26.4", "", "pip"),
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbftorch==2.1.0\r\nnumpy\r\n",
        "torch==2.1.0\r\nnumpy\r\n".encode("utf-16"),
        "torch==2.1.0\nnumpy\n".encode("utf-32"),
        "# -*- coding: latin-1 -*-\n# é\ntorch==2.1.0\nnumpy\n".encode("latin-1"),
        b"torch==2.1.0\rnumpy\r",
    ],
)
def test_encodings(data: bytes) -> None:
    text, flaws = decode(data, "requirements.txt")
    assert [pin.name for pin in read(text).step.pins] == ["torch", "numpy"]
    assert flaws == ()


def test_bytes_that_are_no_utf8_are_a_flaw_with_a_line(tmp_path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes(b"torch==2.1.0\n# caf\xe9\nnumpy\n")
    manifest = read_manifest(str(path), "requirements.txt")
    assert [pin.name for pin in manifest.step.pins] == ["torch", "numpy"]
    assert [(flaw.kind, flaw.line) for flaw in manifest.flaws] == [("encoding", 2)]


@pytest.mark.parametrize(
    "text", ["\0\1\2binary", "x" * 100_000, "torch" + "[" * 5000, "a;" + "(" * 3000, "\\\n" * 50_000]
)
def test_hostile_text_is_survived(text: str) -> None:
    assert read(text) is not None

"""What the version rules say together of combinations whose truth is known, with where it is known from.

Infos are left out: they say what follows, not that something is wrong. Rows are typed from the sources, not made from
the tables that the rules use.
"""

from itertools import pairwise

import pytest

from modeldoctor.findings import Hit, Severity
from modeldoctor.rules import family
from modeldoctor.rules.base import Context
from tests.rules.projects import HOST, docker, skew

# torch, torchvision, torchaudio: "Installing previous versions of PyTorch" and the METADATA of the wheels.
TRIPLES = [
    ("1.7.1", "0.8.2", "0.7.2"), ("1.8.0", "0.9.0", "0.8.0"), ("1.8.1", "0.9.1", "0.8.1"), ("1.9.0", "0.10.0", "0.9.0"),
    ("1.9.1", "0.10.1", "0.9.1"), ("1.10.0", "0.11.1", "0.10.0"), ("1.10.1", "0.11.2", "0.10.1"), ("1.11.0", "0.12.0", "0.11.0"),
    ("1.12.0", "0.13.0", "0.12.0"), ("1.12.1", "0.13.1", "0.12.1"), ("1.13.0", "0.14.0", "0.13.0"), ("1.13.1", "0.14.1", "0.13.1"),
    ("2.0.0", "0.15.1", "2.0.1"), ("2.0.1", "0.15.2", "2.0.2"), ("2.1.0", "0.16.0", "2.1.0"), ("2.1.1", "0.16.1", "2.1.1"),
    ("2.1.2", "0.16.2", "2.1.2"), ("2.2.0", "0.17.0", "2.2.0"), ("2.2.1", "0.17.1", "2.2.1"), ("2.2.2", "0.17.2", "2.2.2"),
    ("2.3.0", "0.18.0", "2.3.0"), ("2.3.1", "0.18.1", "2.3.1"), ("2.4.0", "0.19.0", "2.4.0"), ("2.4.1", "0.19.1", "2.4.1"),
    ("2.5.0", "0.20.0", "2.5.0"), ("2.5.1", "0.20.1", "2.5.1"), ("2.6.0", "0.21.0", "2.6.0"), ("2.7.0", "0.22.0", "2.7.0"),
    ("2.7.1", "0.22.1", "2.7.1"), ("2.8.0", "0.23.0", "2.8.0"), ("2.9.0", "0.24.0", "2.9.0"), ("2.9.1", "0.24.1", "2.9.1"),
    ("2.10.0", "0.25.0", "2.10.0"), ("2.11.0", "0.26.0", "2.11.0"), ("2.12.1", "0.27.1", "2.11.0"), ("2.13.0", "0.28.0", "2.11.0"),
    ("2.14.1", "0.29.1", "2.11.0"), ("2.15.0", "0.29.2", "2.11.0"),
]  # fmt: skip

# torch, Python, whether wheels exist: release notes ("Python 3.x support") and the registry's wheel tags.
PYTHONS = [
    ("1.6.0", "3.8", True), ("1.6.0", "3.9", False), ("1.7.1", "3.9", True), ("1.7.1", "3.10", False), ("1.10.2", "3.10", True),
    ("1.11.0", "3.6", False), ("1.12.1", "3.11", False), ("1.13.1", "3.11", True), ("2.0.1", "3.7", False), ("2.0.1", "3.12", False),
    ("2.1.2", "3.12", False), ("2.2.0", "3.12", True), ("2.4.1", "3.13", False), ("2.4.1", "3.8", True), ("2.5.0", "3.8", False),
    ("2.5.1", "3.13", True), ("2.8.0", "3.9", True), ("2.8.0", "3.14", False), ("2.9.0", "3.9", False), ("2.9.1", "3.14", True),
    ("2.13.0", "3.13", True), ("2.14.1", "3.10", True), ("2.15.0", "3.10", False), ("2.15.0", "3.15", True),
]  # fmt: skip

# torch, variant index ("" default), GPU, driver, the code expected ("" none): arch lists of the wheels, NVIDIA's driver
# tables, and the reports named beside some.
HARDWARE = [
    ("2.6.0", "", "t4", "535.104.05", ""),  # CUDA minor-version compatibility
    ("2.13.0", "", "t4", "535.104.05", "MDR313"),
    ("2.15.0", "", "t4", "595.71.05", ""),
    ("2.15.0", "", "t4", "610.43.02", ""),
    ("2.15.0", "", "t4", "700.1", ""),
    ("2.11.0", "", "l4", "570.124.06", "MDR313"),  # "cu13 wheels on a CUDA 12 host"
    ("2.10.0", "", "l4", "570.124.06", ""),
    ("2.10.0", "", "l4", "525.60.13", ""),
    ("2.10.0", "", "l4", "520.61.05", "MDR313"),
    ("2.13.0", "cu126", "l4", "535.104.05", ""),
    ("1.13.1", "", "t4", "450.80.02", ""),
    ("1.13.1", "", "t4", "440.33", "MDR313"),
    ("1.12.1", "", "t4", "440.33", ""),
    ("2.13.0", "", "v100", "", "MDR314"),  # pytorch pull 175253
    ("2.13.0", "cu126", "v100", "", ""),
    ("2.10.0", "", "v100", "", ""),
    ("2.11.0", "cu128", "v100", "", "MDR314"),  # pytorch issue 182250
    ("2.7.0", "cu128", "v100", "", "MDR314"),  # pytorch pull 147607
    ("2.7.1", "", "gtx 1080 ti", "", ""),
    ("2.8.0", "", "gtx 1080 ti", "", "MDR314"),  # astral-sh/uv issue 14742
    ("2.8.0", "cu126", "gtx 1080 ti", "", ""),
    ("2.13.0", "", "l4", "", ""),
    ("2.13.0", "", "rtx 4090", "", ""),
    ("2.13.0", "", "b300", "", ""),
    ("2.13.0", "", "rtx 5090", "", ""),
    ("2.6.0", "", "rtx 5090", "", "MDR314"),  # "sm_120 is not compatible with the current PyTorch installation"
    ("2.7.0", "", "rtx 5090", "", "MDR314"),
    ("2.7.0", "cu128", "rtx 5090", "", ""),
    ("2.8.0", "", "b200", "", ""),
    ("1.12.1", "", "rtx 3090", "", "MDR314"),  # the cu102 wheel stops at sm_70
    ("1.12.1", "cu116", "rtx 3090", "", ""),
    ("1.8.1", "cu111", "a100", "", ""),
    ("1.13.1", "", "h100", "", "MDR314"),
    ("2.0.1", "cu118", "h100", "", ""),
    ("2.1.0", "", "h100", "", ""),
    ("2.0.1", "", "k80", "", ""),
    ("2.1.0", "", "k80", "", "MDR314"),
    ("2.10.0", "", "gh200", "", "MDR316"),  # CPU wheel on aarch64
    ("2.12.0", "", "gh200", "", ""),
    ("2.12.0", "", "thor", "", ""),
    ("2.13.0", "cpu", "t4", "", "MDR316"),
]

OTHERS = [
    # NumPy: the shim in the wheels, pytorch issue 135013
    ("NumPy 2 under 2.2", "torch==2.2.2\nnumpy==2.0.2\n", {}, {"MDR312"}),
    ("NumPy 2 under 2.3", "torch==2.3.0\nnumpy==2.0.2\n", {}, set()),
    ("NumPy 2 under 2.3 on Windows", "torch==2.3.1\nnumpy==2.0.2\n", {"platform": "windows"}, {"MDR312"}),
    ("NumPy 2 under 2.4.0 on Windows", "torch==2.4.0\nnumpy==2.1.0\n", {"platform": "windows"}, {"MDR312"}),
    ("NumPy 2 under 2.4.1 on Windows", "torch==2.4.1\nnumpy==2.1.0\n", {"platform": "windows"}, set()),
    ("NumPy comes along in 2.x", "torch==1.13.1\nnumpy\n", {"python": "3.10"}, {"MDR312"}),
    ("Python 3.8 has no NumPy 2", "torch==1.13.1\nnumpy\n", {"python": "3.8"}, set()),
    ("NumPy limited", "torch==1.13.1\nnumpy<2\n", {"python": "3.10"}, set()),
    # builds: RELEASE.md of pytorch/pytorch, previous-versions.md
    ("2.6 has no cu130", f"-i {HOST}/whl/cu130\ntorch==2.6.0\n", {}, {"MDR315"}),
    ("2.6 has cu126", f"-i {HOST}/whl/cu126\ntorch==2.6.0\n", {}, set()),
    ("2.8 lost cu118", f"--extra-index-url {HOST}/whl/cu118\ntorch==2.8.0+cu118\n", {}, {"MDR315"}),
    ("2.7 still has cu118", f"--extra-index-url {HOST}/whl/cu118\ntorch==2.7.1+cu118\n", {}, set()),
    ("1.13 has no cu113", f"--extra-index-url {HOST}/whl/cu113\ntorch==1.13.1+cu113\n", {}, {"MDR315"}),
    ("1.10 has cu113 (pytorch issue 67669)", f"--extra-index-url {HOST}/whl/cu113\ntorch==1.10.0+cu113\n", {}, set()),
    ("+cu111 without an index (pytorch issue 66399)", "torch==1.9.1+cu111\n", {}, {"MDR315"}),
    ("+cpu without an index", "torch==1.9.0+cpu\n", {}, {"MDR315"}),
    ("2.12 lost cu128", f"-i {HOST}/whl/cu128\ntorch==2.12.0\n", {}, {"MDR315"}),
    ("2.0 has cu117", f"-f {HOST}/whl/torch_stable.html\ntorch==2.0.1+cu117\n", {}, set()),
    ("an extra index that lacks it", f"--extra-index-url {HOST}/whl/cu121\ntorch==2.6.0\n", {}, {"MDR315"}),
    # the registry's lists
    ("2.5.2 never was", "torch==2.5.2\n", {}, {"MDR325"}),
    ("2.0.2 never was", "torch==2.0.2\n", {}, {"MDR325"}),
    ("torchvision 0.15.3 never was", "torch\ntorchvision==0.15.3\n", {}, {"MDR325"}),
    ("1.8.2 is LTS", f"-f {HOST}/whl/lts/1.8/torch_lts.html\ntorch==1.8.2+cu111\n", {}, set()),
    # METADATA of companions
    ("xformers 0.0.30 wants 2.7.0", "torch==2.6.0\nxformers==0.0.30\n", {}, {"MDR319"}),
    ("xformers 0.0.29.post3 wants 2.6.0", "torch==2.6.0\nxformers==0.0.29.post3\n", {}, set()),
    ("xformers 0.0.35 wants 2.10 or newer", "torch==2.13.0\nxformers==0.0.35\n", {}, set()),
    ("vllm 0.10.0 wants 2.7.1", "torch==2.7.0\nvllm==0.10.0\n", {"python": "3.12"}, {"MDR319"}),
    ("vllm 0.27 keeps torchaudio", "torch==2.13.0\ntorchaudio==2.11.0\nvllm==0.27.0\n", {"python": "3.12"}, set()),
    ("transformers 4.48 wants 2.0", "torch==1.13.1\nnumpy<2\ntransformers==4.48.3\n", {}, {"MDR319"}),
    ("transformers 5.1 wants 2.4", "torch==2.3.1\ntransformers==5.1.0\n", {"python": "3.11"}, {"MDR319"}),
    ("transformers 4.47 wants nothing", "torch==1.13.1\nnumpy<2\ntransformers==4.47.1\n", {}, set()),
    ("bitsandbytes 0.48 wants 2.3", "torch==2.2.2\nnumpy<2\nbitsandbytes==0.48.0\n", {}, {"MDR319"}),
    ("lightning 2.4 wants 2.1", "torch==2.0.1\nnumpy<2\nlightning==2.4.0\n", {}, {"MDR319"}),
    ("triton of 2.6", "torch==2.6.0\ntriton==3.2.0\n", {}, set()),
    ("triton of 2.5 with 2.6", "torch==2.6.0\ntriton==3.1.0\n", {}, {"MDR318"}),
    ("setuptools below 82 for 2.11", "torch==2.11.0\nsetuptools==82.0.0\n", {}, {"MDR321"}),
    ("no bound for 2.10", "torch==2.10.0\nsetuptools==82.0.0\n", {}, set()),
    ("no bound for 2.8", "torch==2.8.0\nsetuptools==83.0.0\n", {}, set()),
    # images (test cases of a study of environment checkers)
    ("CUDA wheel on a plain image", docker("RUN pip install torch==2.13.0"), {}, set()),
    ("default wheel on a CUDA image", docker("RUN pip install torch==2.13.0", base="nvidia/cuda:13.0.1-base-ubuntu24.04"), {}, set()),
    ("the wheel brings its CUDA", docker(f"RUN pip install torch==2.8.0 --index-url {HOST}/whl/cu128", base="nvidia/cuda:11.8.0-base-ubuntu22.04"), {}, set()),
    ("CPU index on a CUDA image", docker(f"RUN pip install torch==2.9.1 --index-url {HOST}/whl/cpu", base="nvidia/cuda:12.6.3-base-ubuntu24.04"), {}, {"MDR316"}),
    ("a pair in one RUN line", docker("RUN pip install torch==2.1.0 torchvision==0.15.2 'numpy<2'", base="python:3.10"), {}, {"MDR310"}),
    ("a pair in a file", docker("RUN pip install -r requirements.txt", base="python:3.10", **{"requirements.txt": "torch==2.1.0\ntorchvision==0.15.2\nnumpy<2\n"}), {}, {"MDR310"}),
    ("a pair in a lock", docker("RUN uv sync --locked", **{"uv.lock": '[[package]]\nname = "torch"\nversion = "2.6.0"\n[[package]]\nname = "torchvision"\nversion = "0.20.1"\n'}), {}, {"MDR310"}),
    ("2.1.0+cu118, 0.15.0, NumPy 2.1 in a file", docker("RUN pip install -r requirements.txt", base="python:3.10", **{"requirements.txt": f"--extra-index-url {HOST}/whl/cu118\ntorch==2.1.0+cu118\ntorchvision==0.15.0\nnumpy==2.1.0\n"}), {}, {"MDR310", "MDR312"}),
    ("torch 1.6 on python:3", docker(f"RUN pip install torch==1.6.0+cpu -f {HOST}/whl/torch_stable.html", base="python:3"), {}, {"MDR311"}),
    ("pytorch image, GPU code of its torch", docker("RUN pip install flask", base="pytorch/pytorch:1.5.1-cuda10.1-cudnn7-runtime"), {}, set()),
    ("torchserve's image", docker("RUN pip install transformers", base="pytorch/torchserve:latest-cpu"), {}, set()),
    ("an old image stays as it is", docker("RUN pip install flask", base="python:3.7-slim"), {}, set()),
    ("NGC and its own torch", docker("RUN pip install transformers", base="nvcr.io/nvidia/pytorch:24.08-py3"), {}, set()),
    ("NGC below the floor (flashinfer issue 911)", docker("RUN pip install 'torch>=2.5,<2.6'", base="nvcr.io/nvidia/pytorch:24.08-py3"), {}, {"MDR326"}),
    ("Alpine has no wheel", docker("RUN pip install torch==2.6.0", base="python:3.12-alpine"), {}, {"MDR328"}),
    ("CentOS 7 and 2.7", docker("RUN pip install torch==2.7.0", base="centos:7"), {}, {"MDR328"}),
    ("CentOS 7 and 1.10", docker("RUN pip install torch==1.10.0", base="centos:7"), {}, set()),
    # extensions (Dao-AILab/flash-attention issues 975, 1783)
    ("flash-attn for this torch", "torch==2.6.0\nhttps://x.example/flash_attn-2.7.4%2Bcu12torch2.6cxx11abiFALSE-cp311-cp311-linux_x86_64.whl\n", {"python": "3.11"}, set()),
    ("flash-attn with the other ABI", "torch==2.6.0\nhttps://x.example/flash_attn-2.7.4%2Bcu12torch2.6cxx11abiTRUE-cp311-cp311-linux_x86_64.whl\n", {"python": "3.11"}, {"MDR320"}),
    # pip's own rules
    (">= with a local version", f"--extra-index-url {HOST}/whl/cu121\ntorch>=2.0.0+cu121\n", {}, {"MDR324"}),
    ("== accepts a local version", f"--extra-index-url {HOST}/whl/cu118\ntorch==2.1.0\ntorchvision==0.16.0\nnumpy<2\n", {}, set()),
    ("a marker for another system", "torch==2.6.0\ntorchvision==0.20.1; sys_platform == 'darwin'\n", {}, set()),
    ("torchvision from another build (vision issue 8985)", docker(f"RUN pip install torch==2.6.0 --index-url {HOST}/whl/cpu", "RUN pip install torchvision==0.21.0"), {}, {"MDR330"}),
    # web frameworks, installed fresh
    ("Flask 2.2.2 with an open Werkzeug", "flask==2.2.2\n", {}, {"MDR331"}),
    ("Flask 2.2.5 with an open Werkzeug", "flask==2.2.5\n", {}, set()),
    ("Flask 3 with an open Werkzeug", "flask==3.0.3\n", {}, set()),
    ("FastAPI 0.96 with Pydantic 2", "fastapi==0.96.1\npydantic==2.0\n", {}, {"MDR331"}),
    ("FastAPI 0.110 with Pydantic 1", "fastapi==0.110.0\npydantic==1.10.15\n", {}, set()),
]  # fmt: skip


def codes(files: dict[str, str] | str, **target: str) -> set[str]:
    """The codes of the warnings and errors."""
    fact = skew(files, **target)
    rules = [rule for rule in family("versions") if rule.fact.__name__ == "Skew"]
    return {
        rule.code
        for rule in rules
        for answer in rule.check(fact, Context())
        if isinstance(answer, Hit) and (answer.severity or rule.severity) >= Severity.WARNING
    }


@pytest.mark.parametrize("triple", TRIPLES, ids="-".join)
def test_what_belongs_together(triple: tuple[str, str, str]) -> None:
    torch, vision, audio = triple
    # torchaudio/_extension/utils.py: 2.11.0 is built for CUDA 13.0 and refuses the 13.2 of torch 2.15.0
    expected = {"MDR330"} if torch == "2.15.0" else set()
    assert codes(f"torch=={torch}\ntorchvision=={vision}\ntorchaudio=={audio}\nnumpy<2\n") == expected


@pytest.mark.parametrize(("one", "other"), list(pairwise(TRIPLES)), ids=lambda triple: triple[0])
def test_what_does_not(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    loose = other[0] in {"2.14.1", "2.15.0"}  # torchvision 0.29.1 and later only ask for 2.14 or newer
    assert codes(f"torch=={one[0]}\ntorchvision=={other[1]}\nnumpy<2\n") == (
        {"MDR310"} if one[0] != "2.14.1" else set()
    )
    assert loose or codes(f"torch=={other[0]}\ntorchvision=={one[1]}\nnumpy<2\n") == {"MDR310"}


@pytest.mark.parametrize(("torch", "python", "exists"), PYTHONS)
def test_pythons(torch: str, python: str, exists: bool) -> None:
    assert codes(f"torch=={torch}\n", python=python) == (set() if exists else {"MDR311"})


@pytest.mark.parametrize(("torch", "variant", "card", "driver", "code"), HARDWARE)
def test_hardware(torch: str, variant: str, card: str, driver: str, code: str) -> None:
    index = f"-i {HOST}/whl/{variant}\n" if variant else ""
    given = {"driver": driver} if driver else {}
    assert codes(f"{index}torch=={torch}\n", gpus=card, **given) == ({code} if code else set())


@pytest.mark.parametrize(("files", "target", "expected"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_others(files: dict[str, str] | str, target: dict[str, str], expected: set[str]) -> None:
    assert codes(files, **target) == expected


def test_there_are_enough() -> None:
    assert 2 * len(TRIPLES) - 1 + len(PYTHONS) + len(HARDWARE) + len(OTHERS) >= 150

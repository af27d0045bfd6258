import pytest

from modeldoctor.facts.pins import Manifest
from modeldoctor.readers.project.manifests import parse
from modeldoctor.readers.project.manifests.images import read_image


def read(text: str) -> Manifest:
    return parse(text, "Dockerfile", "dockerfile")


def pins(text: str) -> list[tuple[str, str, int | None]]:
    return [(pin.name, pin.specifier, pin.line) for step in read(text).steps for pin in step.pins]


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime", {"torch": "2.13.0", "cuda": "13.0", "device": "gpu"}),
        ("pytorch/pytorch:1.5.1-cuda10.1-cudnn7-runtime", {"torch": "1.5.1", "cuda": "10.1"}),
        ("docker.io/pytorch/pytorch:2.2.0-cuda12.1-cudnn8-runtime", {"torch": "2.2.0", "cuda": "12.1"}),
        ("pytorch/pytorch", {"torch": "", "floating": True, "family": "pytorch/pytorch"}),
        ("nvidia/cuda:11.8.0-cudnn8-devel-ubuntu22.04", {"cuda": "11.8", "os": "ubuntu22.04", "torch": ""}),
        ("nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04", {"cuda": "12.4"}),
        ("mirror.example:5000/nvidia/cuda:12.4.1-base-ubuntu20.04", {"cuda": "12.4", "os": "ubuntu20.04"}),
        ("nvcr.io/nvidia/pytorch:24.08-py3", {"torch": "2.5.0a0+872d972e41", "cuda": "12.6"}),
        ("nvcr.io/nvidia/pytorch:22.03-py3", {"torch": "", "family": "nvcr.io/nvidia/pytorch"}),
        ("pytorch/torchserve:latest-cpu", {"torch": "2.4.0", "device": "cpu", "cuda": ""}),
        ("pytorch/torchserve:0.11.0-gpu", {"torch": "2.3.0", "cuda": "12.1"}),
        ("1.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-gpu-py312-cu124-ubuntu22.04-sagemaker", {"torch": "2.6.0", "cuda": "12.4", "python": "3.12"}),
        ("1.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.6.0-gpu-py312", {"cuda": "12.6", "os": ""}),
        ("pytorch:2.13.0-cu133-amzn2023", {"torch": "2.13.0", "cuda": "13.3", "os": "amzn2023"}),
        ("huggingface-pytorch-inference:2.6.0-transformers5.5.3-gpu-py312-cu124-ubuntu22.04", {"torch": "2.6.0", "python": "3.12"}),
        ("python:3.12-slim", {"python": "3.12", "torch": "", "cuda": "", "floating": False}),
        ("python:3.9.7-slim-buster", {"python": "3.9.7", "os": "debian10"}),
        ("python:3.10-alpine", {"python": "3.10", "os": "alpine"}),
        ("python:3", {"python": "3", "floating": True}),
        ("public.ecr.aws/docker/library/python:3.11-slim", {"python": "3.11"}),
        ("public.ecr.aws/lambda/python:3.9", {"python": "3.9", "os": "amzn2"}),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", {"python": "3.12", "os": "debian12"}),
        ("tiangolo/uvicorn-gunicorn-fastapi:python3.8-slim", {"python": "3.8"}),
        ("ubuntu:focal", {"os": "ubuntu20.04"}),
        ("centos:7", {"os": "centos7"}),
        ("some/thing:1.2.3", {"torch": "", "cuda": "", "python": ""}),
        ("python:3.11@sha256:0123", {"python": "3.11"}),
    ],
)  # fmt: skip
def test_image_tags(reference: str, expected: dict[str, object]) -> None:
    image = read_image(reference, "Dockerfile", 1)
    assert {name: getattr(image, name) for name in expected} == expected


def test_arguments_are_filled_in() -> None:
    text = "ARG PY=3.10\nARG BASE=python:${PY}-slim\nFROM ${BASE}\nARG T=2.1.0\nENV V=0.16.0\nRUN pip install torch==$T torchvision==${V} numpy==${N:-1.26.4}\n"
    assert read(text).image.python == "3.10"
    assert pins(text) == [("torch", "==2.1.0", 6), ("torchvision", "==0.16.0", 6), ("numpy", "==1.26.4", 6)]


def test_the_final_stage_counts_with_what_it_is_built_on_and_copies() -> None:
    text = """FROM python:3.10 AS base
RUN pip install torch==2.0.0
FROM node:20 AS web
RUN pip install nothing==1.0
FROM python:3.11 AS builder
RUN python -m venv /opt/venv && /opt/venv/bin/pip install numpy==1.26.4
FROM base
COPY --from=web /dist /app/static
COPY --from=builder /opt/venv /opt/venv
RUN pip install flask==3.0.0
"""
    manifest = read(text)
    assert pins(text) == [("torch", "==2.0.0", 2), ("numpy", "==1.26.4", 6), ("flask", "==3.0.0", 10)]
    assert manifest.image.reference == "python:3.10"
    assert manifest.stages == 4


def test_run_forms() -> None:
    text = """# escape=`
FROM python:3.12
RUN --mount=type=cache,target=/var/cache/pip pip install `
    # a comment

    torch==2.6.0 `
    torchvision==0.21.0
RUN ["pip", "install", "numpy==2.2.0"]
RUN <<EOF
pip install flask==3.0.0
EOF
RUN cat <<EOF > note
pip install hidden
EOF
RUN set -ex; if true; then python3.12 -m pip install --index-url https://x/whl/cpu "timm>=1.0"; fi
"""
    assert pins(text) == [
        ("torch", "==2.6.0", 6),
        ("torchvision", "==0.21.0", 7),
        ("numpy", "==2.2.0", 8),
        ("flask", "==3.0.0", 10),
        ("timm", ">=1.0", 15),
    ]
    assert read(text).steps[-1].indexes[0].role == "index"


def test_an_unknown_base_image_is_said() -> None:
    manifest = read("ARG BASE\nFROM ${BASE}\nRUN pip install torch==2.1.0\n")
    assert [(flaw.kind, flaw.line) for flaw in manifest.flaws] == [("dynamic", 2)]
    assert [pin.name for pin in manifest.steps[0].pins] == ["torch"]


def test_the_build_platform() -> None:
    assert read("FROM --platform=linux/arm64 python:3.12\nRUN pip install torch\n").image.platform == "linux/arm64"
    assert read("FROM --platform=$BUILDPLATFORM python:3.12\nRUN pip install torch\n").image.platform == ""


def test_an_index_in_the_environment_counts() -> None:
    (step,) = read("FROM python:3.12\nENV PIP_EXTRA_INDEX_URL=https://x/whl/cpu\nRUN pip install torch==2.6.0\n").steps
    assert [(index.url, index.role) for index in step.indexes] == [("https://x/whl/cpu", "extra")]


def test_no_from() -> None:
    assert read("RUN pip install torch\n").state == "not understood"


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\n" * 500,
        "FROM a\nRUN " + "a && " * 20_000,
        "FROM a\nRUN <<X\n",
        "FROM a\nRUN " + "(" * 10_000,
        "FROM a\nRUN pip install '" + "a" * 50_000,
        "\\\n" * 10_000,
    ],
)
def test_hostile_text_is_survived(text: str) -> None:
    read(text)

"""All rules on real files: one cause gives one finding, and what real training code writes gives none."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modeldoctor.config import Config
from modeldoctor.engine import run
from tests.rules.builders import LEGACY, STATE, Make, edited, raw, renamed, repacked, safetensors, saved


def codes(make: Make, folder: Path) -> list[str]:
    """The slugs of the findings at warning or above."""
    report = run((str(make(folder)),), Config())
    assert report.failures == ()
    return [finding.name for finding in report.findings if str(finding.severity) != "info"]


def layers() -> dict[str, Any]:
    import torch

    return {f"layer{number}.weight": torch.zeros(1000) for number in range(10)}


LAYERS = saved(layers)

BROKEN: dict[str, tuple[Make, str]] = {
    "half a zip": (edited(LAYERS, lambda data: data[: len(data) // 2]), "truncated"),
    "a zip without its end": (edited(LAYERS, lambda data: data[:-30]), "truncated"),
    "a tenth of a legacy file": (edited(LEGACY, lambda data: data[: len(data) // 10]), "truncated"),
    "half a legacy file": (edited(LEGACY, lambda data: data[: len(data) // 2]), "truncated"),
    "half a safetensors file": (safetensors({"a": ("F32", [4], 0, 16)}, bytes(8)), "truncated"),
    "a header cut off": (raw((200).to_bytes(8, "little") + b'{"a":', "m.safetensors"), "truncated"),
    "no pickle": (repacked(STATE, drop=("data.pkl",)), "damaged"),
    "a pickle of rubbish": (repacked(STATE, change={"data.pkl": lambda _: b"garbage"}), "damaged"),
    "a lost record": (repacked(STATE, drop=("data/1",)), "missing-storage"),
    "a short record": (repacked(STATE, change={"data/0": lambda data: data[:8]}), "short-storage"),
    "an empty file": (raw(b""), "empty-file"),
    "zeros": (raw(bytes(10_000)), "empty-file"),
    "an error page": (raw(b"<html><head><title>404</title></head></html>"), "error-page"),
    "a pointer": (raw(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"), "lfs-pointer"),
    "noise": (raw(bytes(range(7, 250)) * 9), "not-understood"),
    "an image": (raw(b"\x89PNG\r\n\x1a\n" + bytes(99)), "not-checked"),
    "compressed": (edited(STATE, gzip.compress), "wrapped-archive"),
    "another name": (renamed(STATE, "model.safetensors"), "wrong-extension"),
    "settings": (saved(lambda: {"lr": 0.1}), "no-weights"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_one_cause_gives_one_finding(name: str, tmp_path: Path) -> None:
    make, slug = BROKEN[name]
    assert codes(make, tmp_path) == [slug]


def resnet() -> Any:
    """Convolutions with batch norms: float16 weights, float32 statistics, int64 counters."""
    import torch

    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.Linear(8, 2)).half()
    model[1].float()
    return model.state_dict()


def language_model() -> Any:
    """Tied embeddings, norms in float32, a buffer of positions."""
    import torch

    weight = torch.zeros(100, 16, dtype=torch.bfloat16)
    return {
        "model.embed_tokens.weight": weight,
        "lm_head.weight": weight,
        "model.layers.0.input_layernorm.weight": torch.ones(16),
        "model.layers.0.self_attn.q_proj.weight": torch.zeros(16, 16, dtype=torch.bfloat16),
        "model.rotary.inv_freq": torch.zeros(8),
    }


def quantised() -> Any:
    import torch

    return {
        "fc.qweight": torch.zeros(16, 4, dtype=torch.int32),
        "fc.qzeros": torch.zeros(1, 4, dtype=torch.int32),
        "fc.scales": torch.ones(1, 16, dtype=torch.float16),
        "fc.bias": torch.zeros(16, dtype=torch.float16),
    }


def lora() -> Any:
    import torch

    return {
        f"base_model.model.layers.{layer}.q_proj.lora_{half}.weight": torch.zeros(8, 8)
        for layer in range(2)
        for half in "AB"
    }


def recurrent() -> Any:
    import torch

    model = torch.nn.LSTM(8, 8, num_layers=2)
    model.flatten_parameters()
    return model.state_dict()


def shared() -> Any:
    import torch

    flat = torch.zeros(64)
    return {"flat": flat, "a": flat[:32].view(4, 8), "b": flat[32:], "t": torch.zeros(4, 6).T, "e": torch.empty(0)}


GOOD: dict[str, Callable[[], Any]] = {
    build.__name__: build for build in (layers, resnet, language_model, quantised, lora, recurrent, shared)
}


@pytest.mark.parametrize("name", GOOD)
def test_what_training_code_writes_gives_no_warning(name: str, tmp_path: Path) -> None:
    assert codes(saved(GOOD[name]), tmp_path) == []


@pytest.mark.parametrize("name", [name for name in GOOD if name not in {"language_model", "shared"}])
def test_as_safetensors_it_gives_no_warning(name: str, tmp_path: Path) -> None:
    def make(folder: Path) -> Path:
        from safetensors.torch import save_file

        tensors = {key: value.clone().contiguous() for key, value in GOOD[name]().items()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return folder / "model.safetensors"

    assert codes(make, tmp_path) == []

"""Folders that are one model."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed.checkpoint
from safetensors.torch import save_file

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint.read import read_checkpoint

STATE = {"w": torch.ones(2, 3)}


def read(path: Path) -> Checkpoint:
    return read_checkpoint(str(path), "m")


def config(folder: Path, name: str = "config.json", **values: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(values))


def names(checkpoint: Checkpoint) -> list[str]:
    return [child.path for child in checkpoint.children]


def test_a_model_folder(tmp_path: Path) -> None:
    config(tmp_path, architectures=["Net"], torch_dtype="float16")
    save_file(STATE, tmp_path / "model.safetensors")
    torch.save({"w": torch.ones(9)}, tmp_path / "pytorch_model.bin")
    torch.save({"state": {}}, tmp_path / "optimizer.pt")
    (tmp_path / "tokenizer.json").write_text("{}")
    checkpoint = read(tmp_path)
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("model-folder", "understood", ())
    assert checkpoint.config == {"architectures": ["Net"], "torch_dtype": "float16"}
    assert names(checkpoint) == ["m/model.safetensors", "m/optimizer.pt", "m/pytorch_model.bin"]
    assert checkpoint.anatomy.parameters == 6  # those of the safetensors, which transformers prefers
    assert checkpoint.size_bytes == sum(child.size_bytes for child in checkpoint.children)


def test_a_folder_with_shards(tmp_path: Path) -> None:
    shards = {f"model-0000{index}-of-00002.safetensors": f"w{index}" for index in (1, 2)}
    for name, key in shards.items():
        save_file({key: torch.ones(4)}, tmp_path / name)
    config(tmp_path, "model.safetensors.index.json", weight_map={key: name for name, key in shards.items()})
    save_file(STATE, tmp_path / "extra.safetensors")
    checkpoint = read(tmp_path)
    assert checkpoint.problems == ()
    assert checkpoint.shards is not None
    assert checkpoint.anatomy.parameters == 8
    assert names(checkpoint) == ["m/model.safetensors.index.json", "m/extra.safetensors"]
    assert [child.path for child in checkpoint.children[0].children] == [f"m/{name}" for name in shards]


def test_shards_without_an_index(tmp_path: Path) -> None:
    config(tmp_path)
    save_file(STATE, tmp_path / "model-00001-of-00003.safetensors")
    save_file({"v": torch.ones(1)}, tmp_path / "model-00002-of-00003.safetensors")
    (problem,) = read(tmp_path).problems
    assert problem.kind == "shard-unlisted"
    assert "2 shards of 3 and no index" in problem.text


def test_an_adapter(tmp_path: Path) -> None:
    config(
        tmp_path,
        "adapter_config.json",
        peft_type="LORA",
        base_model_name_or_path="org/base-7b",
        r=8,
        target_modules=["v_proj", "q_proj"],
    )
    save_file({"base_model.model.q_proj.lora_A.weight": torch.ones(8, 4)}, tmp_path / "adapter_model.safetensors")
    checkpoint = read(tmp_path)
    assert checkpoint.format == "adapter"
    assert checkpoint.adapter == ("LORA", "org/base-7b", 8, ("q_proj", "v_proj"))
    assert "org/base-7b" in (checkpoint.advice or "")
    (tmp_path / "adapter_model.safetensors").unlink()
    assert [found.kind for found in read(tmp_path).problems] == ["missing-record"]


@pytest.mark.parametrize(
    "values",
    [{}, {"peft_type": 1, "r": "8", "target_modules": {"a": 1}}, {"r": True, "target_modules": "all-linear"}],
)
def test_an_adapter_with_an_odd_configuration(tmp_path: Path, values: dict[str, Any]) -> None:
    config(tmp_path, "adapter_config.json", **values)
    save_file(STATE, tmp_path / "adapter_model.safetensors")
    adapter = read(tmp_path).adapter
    assert adapter is not None
    assert (adapter.kind, adapter.rank) == ("unknown", None)


def test_a_diffusers_pipeline(tmp_path: Path) -> None:
    config(
        tmp_path,
        "model_index.json",
        _class_name="StableDiffusionPipeline",
        unet=["diffusers", "UNet2DConditionModel"],
        vae=["diffusers", "AutoencoderKL"],
        safety_checker=[None, None],
        scheduler=["diffusers", "PNDMScheduler"],
    )
    config(tmp_path / "unet")
    config(tmp_path / "scheduler", "scheduler_config.json")
    save_file(STATE, tmp_path / "unet" / "diffusion_pytorch_model.safetensors")
    if hasattr(os, "symlink"):
        (tmp_path / "unet" / "loop").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    checkpoint = read(tmp_path)
    assert (checkpoint.format, checkpoint.anatomy.parameters) == ("diffusers", 6)
    assert names(checkpoint) == ["m/unet"]
    assert checkpoint.children[0].format == "model-folder"
    (problem,) = checkpoint.problems
    assert problem.kind == "missing-record"
    assert "`vae`" in problem.text


def test_a_distributed_checkpoint(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="single process"):
        torch.distributed.checkpoint.save({"model": STATE, "step": 3}, checkpoint_id=tmp_path, no_dist=True)
    checkpoint = read(tmp_path)
    assert (checkpoint.format, checkpoint.state) == ("distributed", "recognised")
    assert "dcp_to_torch" in (checkpoint.advice or "")
    (metadata,) = checkpoint.children
    assert (metadata.path, metadata.state) == ("m/.metadata", "understood")
    assert metadata.anatomy.root_class == "torch.distributed.checkpoint.metadata.Metadata"


def test_a_deepspeed_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "zero_to_fp32.py").write_text("")
    (tmp_path / "global_step10").mkdir()
    torch.save({"module": STATE}, tmp_path / "global_step10" / "mp_rank_00_model_states.pt")
    checkpoint = read(tmp_path)
    assert checkpoint.format == "deepspeed"
    assert names(checkpoint) == ["m/global_step10/mp_rank_00_model_states.pt"]
    assert "zero_to_fp32.py" in (checkpoint.advice or "")


def test_what_lies_in_a_pickle_of_a_folder_is_read(tmp_path: Path) -> None:
    config(tmp_path)
    save_file(STATE, tmp_path / "model.safetensors")
    (tmp_path / "training_args.bin").write_bytes(b"\x80\2cposix\nsystem\nX\4\0\0\0true\x85R.")
    child = read(tmp_path).children[1]
    assert [str(found) for found in child.pickles[0].globals] == ["posix.system"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "damaged"),
        (b"[]", "damaged"),
        (b"\xff", "damaged"),
        (b"[" * 90_000, "limit"),
        (b" " * (50 << 20), "limit"),
    ],
)
def test_a_damaged_or_hostile_configuration(tmp_path: Path, content: bytes, kind: str) -> None:
    save_file(STATE, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_bytes(content)
    checkpoint = read(tmp_path)
    assert [(found.kind, found.member) for found in checkpoint.problems] == [(kind, "config.json")]
    assert checkpoint.config is None
    assert checkpoint.state == "understood"


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(1))
    checkpoint = read(tmp_path)
    assert (checkpoint.format, checkpoint.state) == ("folder", "not understood")
    assert checkpoint.advice


def test_paths_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config(tmp_path)
    save_file(STATE, tmp_path / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    assert names(read_checkpoint(".", ".")) == ["model.safetensors"]

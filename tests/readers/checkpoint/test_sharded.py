"""Sharded sets: the index against the shards."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint.read import read_checkpoint
from modeldoctor.readers.checkpoint.sharded import shard_family

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
MAP = {"a": FIRST, "b": FIRST, "c": SECOND}


def make(folder: Path, weight_map: Any = None, metadata: Any = None) -> Path:
    save_file({"a": torch.ones(2), "b": torch.ones(3)}, folder / FIRST, {"format": "pt"})
    save_file({"c": torch.ones(5, 7)}, folder / SECOND, {"format": "pt"})
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": metadata or {"total_size": 160}, "weight_map": weight_map or MAP}))
    return index


def read(path: Path) -> Checkpoint:
    return read_checkpoint(str(path), f"m/{path.name}")


def problems(checkpoint: Checkpoint) -> list[tuple[str, str | None]]:
    return [(found.kind, found.member) for found in checkpoint.problems]


def test_a_whole_set_is_one_checkpoint(tmp_path: Path) -> None:
    checkpoint = read(make(tmp_path))
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("sharded", "understood", ())
    assert [(each.path, each.shape) for each in checkpoint.tensors] == [("a", (2,)), ("b", (3,)), ("c", (5, 7))]
    assert [checkpoint.storages[each.storage or 0].size_bytes for each in checkpoint.tensors] == [8, 12, 140]
    assert checkpoint.anatomy.parameters == 40
    assert checkpoint.shards is not None
    assert checkpoint.shards.files == ((FIRST, 2), (SECOND, 1))
    assert checkpoint.shards.total_size_bytes == 160
    assert [child.path for child in checkpoint.children] == [f"m/{FIRST}", f"m/{SECOND}"]
    assert checkpoint.size_bytes == sum(each.stat().st_size for each in tmp_path.iterdir())


def test_shards_written_by_torch(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "pytorch_model-00001-of-00001.bin")
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}))
    checkpoint = read(index)
    assert (checkpoint.problems, checkpoint.anatomy.parameters) == ((), 2)
    assert checkpoint.children[0].pickles


def test_an_index_alone_says_how_large_the_set_is(tmp_path: Path) -> None:
    index = make(tmp_path)
    (tmp_path / FIRST).unlink()
    (tmp_path / SECOND).unlink()
    checkpoint = read(index)
    assert checkpoint.shards is not None
    assert checkpoint.shards.missing == (FIRST, SECOND)
    assert checkpoint.shards.total_size_bytes == 160
    assert problems(checkpoint) == [("shard-missing", None)]


def test_a_missing_shard(tmp_path: Path) -> None:
    index = make(tmp_path)
    (tmp_path / SECOND).unlink()
    checkpoint = read(index)
    assert problems(checkpoint) == [("shard-missing", SECOND)]
    assert checkpoint.anatomy.parameters == 5


def test_tensors_that_the_index_puts_elsewhere(tmp_path: Path) -> None:
    checkpoint = read(make(tmp_path, {"a": FIRST, "b": SECOND, "c": SECOND}))
    assert problems(checkpoint) == [("shard-mismatch", FIRST), ("shard-mismatch", SECOND)]
    assert "holds 1 tensor that the index does not put there: `b`" in checkpoint.problems[0].text
    assert "lacks 1 tensor that the index puts there: `b`" in checkpoint.problems[1].text


def test_a_shard_of_another_save(tmp_path: Path) -> None:
    index = make(tmp_path, {"a": FIRST, "b": FIRST})
    assert problems(read(index)) == [("shard-unlisted", SECOND)]


def test_a_damaged_shard_speaks_for_itself(tmp_path: Path) -> None:
    index = make(tmp_path)
    (tmp_path / FIRST).write_bytes((tmp_path / FIRST).read_bytes()[:20])
    checkpoint = read(index)
    assert checkpoint.problems == ()
    assert [child.state for child in checkpoint.children] == ["unreadable", "understood"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"weight_map"', "index-damaged"),
        (b'{"weight_map": []}', "index-damaged"),
        (b'{"weight_map": {"a": 1}}', "index-damaged"),
        (b'["weight_map"]', "index-damaged"),
        (b'{"weight_map": {"a": "\xff"}}', "index-damaged"),
        (b'{"weight_map": ' + b"[" * 100_000, "limit"),
        (json.dumps({"weight_map": {str(i): str(i) for i in range(3000)}}).encode(), "limit"),
        (b'{"weight_map": {' + b'"a": "b", ' * 1_000_000 + b'"a": "b"}}' + b" " * (32 << 20), "limit"),
    ],
)
def test_a_damaged_or_hostile_index(tmp_path: Path, content: bytes, kind: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_bytes(content)
    checkpoint = read(index)
    assert checkpoint.state == "unreadable"
    assert [found.kind for found in checkpoint.problems] == [kind]


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "a/b.bin", "..", "", "x\0y", "..\\x"])
def test_names_that_lead_elsewhere_are_not_opened(tmp_path: Path, name: str) -> None:
    checkpoint = read(make(tmp_path, {"a": FIRST, "b": FIRST, "c": SECOND, "evil": name}))
    assert ("unsafe-name", name) in problems(checkpoint)
    assert len(checkpoint.children) == 2


def test_an_index_that_names_itself_or_a_folder_ends(tmp_path: Path) -> None:
    index = make(tmp_path, {"a": "model.safetensors.index.json", "b": "sub"})
    (tmp_path / "sub").mkdir()
    checkpoint = read(index)
    assert [(child.format, child.state) for child in checkpoint.children] == [
        ("sharded", "recognised"),
        ("unknown", "unreadable"),
    ]


@pytest.mark.parametrize("total", [-1, "12", None, 1e400, True, 1.5e9, [1]])
def test_any_total_size(tmp_path: Path, total: Any) -> None:
    checkpoint = read(make(tmp_path, metadata={"total_size": total}))
    assert checkpoint.shards is not None
    assert checkpoint.shards.total_size_bytes in {None, 1, 1_500_000_000}


def test_an_index_is_told_by_its_content(tmp_path: Path) -> None:
    renamed = make(tmp_path).rename(tmp_path / "index.pt")
    assert read(renamed).format == "sharded"


def test_the_family_of_a_shard() -> None:
    assert shard_family(FIRST) == shard_family(SECOND) == ("model", "00002", ".safetensors")
    for name in ("model.safetensors", "a-of-b.bin", "x-1-of-y.bin", "model-of-00002.bin"):
        assert shard_family(name) is None

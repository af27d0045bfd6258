"""Held against the real library: what it opens is understood with the same tensors, what it refuses is a problem."""

import json
import struct
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.torch import save, save_file

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint import safetensors as reader
from modeldoctor.readers.checkpoint.read import read_checkpoint
from modeldoctor.storage import Memory

Z = bytes(4)


def read(data: bytes) -> Checkpoint:
    blank = Checkpoint("x.safetensors", "safetensors", "safetensors", "recognised", len(data))
    return reader.read(Memory(data), Sniffed("safetensors", "safetensors"), blank)


def file(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else (header if isinstance(header, str) else json.dumps(header)).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + data


def tensor(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4), **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


ONE = '"dtype":"F32","shape":[1],"data_offsets":[0,4]'

CASES: dict[str, tuple[bytes, str | None]] = {
    "whole": (file({"w": tensor()}, Z), None),
    "no tensors": (file("{}"), None),
    "metadata": (file({"__metadata__": {"format": "pt"}, "w": tensor()}, Z), None),
    "metadata null": (file({"__metadata__": None}), None),
    "metadata number": (file({"__metadata__": {"a": 1}}), "safetensors-header"),
    "metadata list": (file({"__metadata__": []}), "safetensors-header"),
    "metadata twice": (file('{"__metadata__":{"a":"1"},"__metadata__":{"b":"2"}}'), "safetensors-header"),
    "name twice in metadata": (file('{"__metadata__":{"a":"1","a":"2"}}'), None),
    "too short": (b"1234567", "truncated"),
    "length zero": (file("", Z), "safetensors-header"),
    "length past the end": (file("{}", length=100), "truncated"),
    "length above the limit": (file("{}", length=100_000_001), "safetensors-header"),
    "length of exabytes": (file("{}", length=2**63), "safetensors-header"),
    "space before": (file(" " + json.dumps({"w": tensor()}), Z), None),
    "space behind": (file(json.dumps({"w": tensor()}) + "   ", Z), None),
    "junk behind": (file(json.dumps({"w": tensor()}) + "x", Z), "safetensors-header"),
    "list": (file("[]"), "safetensors-header"),
    "not UTF-8": (file(b'{"\xff":1}'), "safetensors-header"),
    "byte order mark": (file("\ufeff{}"), "safetensors-header"),
    "control character": (file('{"a\1":{' + ONE + "}}", Z), "safetensors-header"),
    "NaN": (file('{"a":NaN}'), "safetensors-header"),
    "lone surrogate": (file('{"\\ud800":{' + ONE + "}}", Z), "safetensors-header"),
    "escaped name": (file('{"\\u0061":{' + ONE + "}}", Z), None),
    "empty name": (file({"": tensor()}, Z), None),
    "unknown field": (file({"w": tensor(foo=1)}, Z), None),
    "array instead of fields": (file({"a": ["F32", [1], [0, 4]]}, Z), None),
    "null instead of fields": (file({"a": None}), "safetensors-header"),
    "no shape": (file({"w": {"dtype": "F32", "data_offsets": [0, 4]}}, Z), "safetensors-header"),
    "field twice": (file('{"a":{"dtype":"F32",' + ONE + "}}", Z), "safetensors-header"),
    "unknown dtype": (file({"w": tensor("F33")}, Z), "safetensors-header"),
    "lower-case dtype": (file({"w": tensor("f32")}, Z), "safetensors-header"),
    "negative size": (file({"w": tensor(shape=[-1])}, Z), "safetensors-header"),
    "fraction as size": (file({"w": tensor(shape=[1.0])}, Z), "safetensors-header"),
    "true as size": (file({"w": tensor(shape=[True])}, Z), "safetensors-header"),
    "text as shape": (file({"w": tensor(shape="1")}, Z), "safetensors-header"),
    "size of 65 bits": (file({"w": tensor(shape=[2**64], offsets=[0, 0])}), "safetensors-header"),
    "negative offset": (file({"w": tensor(offsets=[-4, 0])}, Z), "safetensors-header"),
    "three offsets": (file({"w": tensor(offsets=[0, 4, 8])}, Z), "safetensors-header"),
    "fraction as offset": (file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.0]}}', Z), "safetensors-header"),
    "end before start": (file({"w": tensor(offsets=[4, 0])}, Z), "safetensors-range"),
    "data cut": (file({"w": tensor()}, bytes(3)), "truncated"),
    "data left": (file({"w": tensor()}, bytes(5)), "safetensors-hole"),
    "only data": (file("{}", Z), "safetensors-hole"),
    "hole before": (file({"w": tensor(offsets=[4, 8])}, bytes(8)), "safetensors-hole"),
    "hole between": (file({"a": tensor(), "b": tensor(offsets=[8, 12])}, bytes(12)), "safetensors-hole"),
    "two on the same bytes": (file({"a": tensor(), "b": tensor()}, Z), "safetensors-overlap"),
    "shape too large": (file({"a": tensor(shape=[2])}, Z), "safetensors-shape"),
    "shape overflows": (file({"a": tensor(shape=[2**40, 2**40])}, Z), "safetensors-shape"),
    "shape overflows before a zero": (
        file({"a": tensor(shape=[2**40, 2**40, 0], offsets=[0, 0])}),
        "safetensors-shape",
    ),
    "shape overflows behind a zero": (file({"a": tensor(shape=[0, 2**40, 2**40], offsets=[0, 0])}), None),
    "no elements": (file({"a": tensor(shape=[0], offsets=[0, 0]), "b": tensor()}, Z), None),
    "no elements inside another": (
        file({"a": tensor(shape=[0], offsets=[2, 2]), "b": tensor()}, Z),
        "safetensors-overlap",
    ),
    "scalar": (file({"a": tensor(shape=[])}, Z), None),
    "unaligned": (file({"a": tensor("U8", [1], [0, 1]), "b": tensor(offsets=[1, 5])}, bytes(5)), None),
    "half a byte": (file({"a": tensor("F4", [3], [0, 2])}, bytes(2)), "safetensors-shape"),
    "four bits": (file({"a": tensor("F4", [2, 4], [0, 4])}, Z), None),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_real_reader(name: str, tmp_path: Path) -> None:
    data, problem = CASES[name]
    (tmp_path / "x.safetensors").write_bytes(data)
    checkpoint = read(data)
    try:
        with safe_open(tmp_path / "x.safetensors", "pt") as opened:
            real = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118 - it is no dict
            metadata = opened.metadata()
    except SafetensorError:
        assert [found.kind for found in checkpoint.problems][:1] == [problem]
        return
    assert checkpoint.problems == ()
    assert problem is None
    assert checkpoint.state == "understood"
    assert checkpoint.extra("metadata") == metadata
    ours = {each.path: (each.dtype, each.shape, each.numel and each.strides) for each in checkpoint.tensors}
    assert ours == {
        key: (str(value.dtype).removeprefix("torch."), tuple(value.shape), value.numel() and value.stride())
        for key, value in real.items()
    }


@pytest.mark.parametrize(
    "dtype",
    [
        "float64",
        "float32",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "bool",
        "complex64",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e8m0fnu",
    ],
)
def test_every_dtype(dtype: str) -> None:
    checkpoint = read(save({"w": torch.zeros(2, 3).to(getattr(torch, dtype))}))
    assert [(each.dtype, each.shape) for each in checkpoint.tensors] == [(dtype, (2, 3))]
    assert checkpoint.problems == ()
    (storage,) = checkpoint.storages
    assert storage.size_bytes == storage.stored_bytes == 6 * getattr(torch, dtype).itemsize
    assert storage.record_offset == 8 + checkpoint.extra("header_bytes")


def test_a_name_that_comes_twice_hides_the_first() -> None:
    first, second = '"dtype":"F32","shape":[2],"data_offsets":[0,8]', '"dtype":"F32","shape":[1],"data_offsets":[0,4]'
    checkpoint = read(file("{" + f'"a":{{{first}}},"a":{{{second}}}' + "}", Z))
    assert [found.kind for found in checkpoint.problems] == ["duplicate-member"]
    assert checkpoint.tensors[0].shape == (1,)


def test_a_real_file_needs_its_header_only(tmp_path: Path) -> None:
    state = {f"layer{index}.weight": torch.zeros(100, 1000) for index in range(10)}
    save_file(state, tmp_path / "model.safetensors", metadata={"format": "pt"})
    checkpoint = read_checkpoint(str(tmp_path / "model.safetensors"), "model.safetensors")
    assert checkpoint.problems == ()
    assert checkpoint.anatomy.parameters == 1_000_000
    assert checkpoint.anatomy.bytes_by_dtype == (("float32", 4_000_000),)
    assert checkpoint.bytes_read < 10_000
    assert checkpoint.extra("metadata") == {"format": "pt"}


def test_a_cut_file_says_how_much_is_missing() -> None:
    whole = save({"a": torch.zeros(100), "b": torch.zeros(100)})
    checkpoint = read(whole[:-500])
    assert checkpoint.state == "understood"
    (problem,) = checkpoint.problems
    assert problem.kind == "truncated"
    assert "2 of 2 tensors" in problem.text
    assert "300 of 800 bytes" in problem.text
    assert [storage.stored_bytes for storage in checkpoint.storages] == [300, 0]


HOSTILE = {
    "a hundred thousand brackets": file("[" * 100_000),
    "deep in a tensor": file('{"a":' * 50_000),
    "a number of a million digits": file('{"a":' + "9" * 1_000_000 + "}"),
    "five million lists": file('{"a":[' + "[]," * 5_000_000 + "[]]}"),
    "too many tensors": file("{" + ",".join(f'"{i}":{{{ONE}}}' for i in range(200_000)) + "}", Z),
    "a million names twice": file("{" + ",".join('"a":1' for _ in range(900_000)) + "}"),
    "a million dimensions": file({"a": tensor(shape=[2**63] * 900_000)}, Z),
    "all tensors overlap": file({str(index): tensor() for index in range(100_000)}, Z),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_headers_are_refused_in_time(name: str) -> None:
    before = time.process_time()
    checkpoint = read(HOSTILE[name])
    assert checkpoint.problems
    assert len(checkpoint.problems) <= 20
    assert time.process_time() - before < 5


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=64), st.integers(0, 120), st.integers(0, 120))
def test_any_damage_is_survived(junk: bytes, start: int, removed: int) -> None:
    whole = save({"a": torch.zeros(2), "b": torch.zeros(3, dtype=torch.int64)}, {"format": "pt"})
    damaged = whole[:start] + junk + whole[start + removed :]
    assert read(damaged).state in {"understood", "unreadable"}

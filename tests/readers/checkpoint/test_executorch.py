"""ExecuTorch programs: `data/*.pte` were written by executorch 1.5.1 from a linear layer and a ReLU."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.storage import Memory

DATA = Path(__file__).parent / "data"
LINEAR = (DATA / "linear.pte").read_bytes()


def read(data: bytes) -> Checkpoint:
    return read_source(Memory(data), "model.pte", "model.pte")


def test_a_program_is_described() -> None:
    checkpoint = read(LINEAR)
    assert (checkpoint.format, checkpoint.state, checkpoint.problems) == ("executorch", "recognised", ())
    assert dict(checkpoint.extras) == {
        "schema_version": 0,
        "methods": ("forward",),
        "operators": ("aten::addmm", "aten::permute_copy", "aten::relu"),
        "backends": (),
    }


def test_the_backends_are_named() -> None:
    assert read((DATA / "xnnpack.pte").read_bytes()).extra("backends") == ("XnnpackBackend",)


@pytest.mark.parametrize("missing", [1, 10, 30])
def test_a_cut_segment(missing: int) -> None:
    (problem,) = read(LINEAR[:-missing]).problems
    assert problem.kind == "truncated"


@pytest.mark.parametrize("length", range(8, 1600, 53))
def test_a_cut_program(length: int) -> None:
    checkpoint = read(LINEAR[:length])
    assert {found.kind for found in checkpoint.problems} <= {"truncated", "damaged"}
    assert checkpoint.problems


@settings(max_examples=150, deadline=None)
@given(st.integers(8, len(LINEAR) - 4), st.integers(0, 2**32 - 1))
def test_any_offset_is_survived(place: int, value: int) -> None:
    damaged = LINEAR[:place] + struct.pack("<I", value) + LINEAR[place + 4 :]
    assert read(damaged).state in {"recognised", "unreadable"}

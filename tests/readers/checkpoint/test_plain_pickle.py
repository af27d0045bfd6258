"""Pickles that torch did not write, and joblib's with arrays between the opcodes."""

import datetime as dt
import io
import pickle
import pickletools
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint.read import read_checkpoint, read_source
from modeldoctor.storage import Memory


def read(data: bytes, name: str = "model.pkl") -> Checkpoint:
    return read_source(Memory(data), name, name)


@pytest.mark.parametrize("protocol", range(6))
def test_hyperparameters(protocol: int) -> None:
    checkpoint = read(pickle.dumps({"lr": 0.1, "layers": [1, 2]}, protocol))
    assert (checkpoint.format, checkpoint.state) == ("pickle", "understood")
    assert checkpoint.anatomy.contents == "hyperparameters"
    assert checkpoint.problems == ()


def test_a_state_dict_that_was_pickled_by_hand() -> None:
    state = OrderedDict(w=torch.ones(2, 3), b=torch.zeros(3))
    checkpoint = read(pickle.dumps(state, 4))
    assert {(each.path, each.shape, each.dtype) for each in checkpoint.tensors} == {
        ("w", (2, 3), "float32"),
        ("b", (3,), "float32"),
    }


def test_several_pickles_in_a_file() -> None:
    checkpoint = read(pickle.dumps([1, 2]) + pickle.dumps({"a": 1}))
    assert [each.role for each in checkpoint.pickles] == ["object", "second"]
    assert [found.kind for found in checkpoint.problems] == ["second-pickle"]


def test_a_cut_pickle() -> None:
    checkpoint = read(pickle.dumps(list(range(1000)))[:-10])
    assert checkpoint.state == "unreadable"
    assert [found.kind for found in checkpoint.problems] == ["truncated"]


# --------------------------------------------------------------------------- joblib


class Wrapper:
    """Stands for joblib's: pickled under its name, with the attributes that it has."""

    def __init__(self, array: np.ndarray) -> None:
        self.subclass = np.ndarray
        self.shape = array.shape
        self.order = "C"
        self.dtype = array.dtype
        self.allow_mmap = True
        self.numpy_array_alignment_bytes = 16


Wrapper.__module__, Wrapper.__qualname__ = "joblib.numpy_pickle", "NumpyArrayWrapper"


class Pickler(pickle._Pickler):  # type: ignore[name-defined,misc]
    """joblib/numpy_pickle.py, NumpyPickler: the array follows its wrapper, padded to 16 bytes."""

    def save(self, value: object) -> None:  # type: ignore[override]
        if not isinstance(value, np.ndarray):
            super().save(value)
            return
        super().save(Wrapper(value))
        self.framer.commit_frame(force=True)
        if value.dtype.hasobject:
            pickle.dump(value, self.file, protocol=2)
            return
        padding = 16 - (self.file.tell() + 1) % 16
        self.file.write(bytes([padding]) + b"\xff" * padding + value.tobytes())

    def save_global(self, value: object, name: str | None = None) -> None:
        """The class is not there to be found."""
        if value is Wrapper:
            self.save("joblib.numpy_pickle")
            self.save("NumpyArrayWrapper")
            self.write(pickle.STACK_GLOBAL)
            self.memoize(value)
        else:
            super().save_global(value, name)

    dispatch = {**pickle._Pickler.dispatch, type: save_global}  # type: ignore[attr-defined] # noqa: RUF012


def joblib(value: object) -> bytes:
    file = io.BytesIO()
    pickler = Pickler(file, 4)
    pickler.file = file
    pickler.dump(value)
    return file.getvalue()


def test_arrays_between_opcodes_are_stepped_over() -> None:
    value = {"a": np.arange(1000.0), "b": np.zeros((3, 3), dtype="U5"), "c": "end", "d": np.array(5, dtype="i1")}
    checkpoint = read(joblib(value), "model.joblib")
    assert (checkpoint.format, checkpoint.state) == ("joblib", "understood")
    assert checkpoint.problems == ()


def test_arrays_may_begin_where_a_chunk_ends() -> None:
    for length in range(4096 - 400, 4096, 3):
        assert read(joblib(["x" * length, np.arange(700.0), "end"]), "model.joblib").problems == ()


def test_arrays_of_objects_are_pickles_of_their_own() -> None:
    checkpoint = read(joblib([np.array([{"a": 1}, None], dtype=object), "end"]), "model.joblib")
    assert checkpoint.state == "understood"
    assert any(str(found) == "numpy.ndarray" for nested in checkpoint.pickles[0].nested for found in nested.globals)


def test_reading_arrays_of_objects_the_wrong_way_is_no_damage() -> None:
    values = np.array([{"a": 1}, np.arange(3), dt.date(2020, 1, 1)], dtype=object)
    data = joblib({"x": [values, values.copy()], "y": np.arange(5), "z": np.dtype("f4")})
    with pytest.raises((pickle.UnpicklingError, TypeError, ImportError, AttributeError)):
        pickle.loads(data)
    checkpoint = read(data, "model.joblib")
    assert checkpoint.problems == ()
    assert {each.role for each in checkpoint.pickles} <= {"object", "misread"}


def test_the_format_is_found_behind_the_first_bytes() -> None:
    data = joblib(["x" * 10_000, np.arange(10.0)])
    checkpoint = read(data, "model.pkl")
    assert checkpoint.format == "joblib"
    assert checkpoint.problems == ()


def test_a_cut_array() -> None:
    checkpoint = read(joblib([np.arange(1000.0)])[:-500], "model.joblib")
    assert checkpoint.state == "unreadable"
    assert any(found.kind == "truncated" for found in checkpoint.problems)


def test_what_joblib_takes_for_an_array_is_read_as_pickle_too() -> None:
    hidden = b"cposix\nsystem\n(S'true'\ntR."
    array = np.frombuffer(hidden.ljust(32, b"."), dtype="u1")
    data = joblib([array, "end"])
    start = data.index(hidden)
    length = next(place for place in range(start - 17, start) if data[place] == start - place - 1)
    # The byte that joblib takes for the length of the padding (78) is an opcode for pickle, and so is the padding.
    data = data[:length] + b"N" + b"N" * ord("N") + data[start:]
    assert "posix system" in [argument for _, argument, _ in pickletools.genops(data)]
    checkpoint = read(data, "model.joblib")
    assert "posix.system" in {str(found) for each in checkpoint.pickles for found in each.globals}


@pytest.mark.parametrize("shape", [(2**62, 2**62), (1,) * 64, (2**63 - 1,), (0, 2**60)])
def test_claims_about_arrays_cost_nothing(shape: tuple[int, ...]) -> None:
    data = joblib([np.arange(3.0)])
    claimed = pickle.dumps(shape, 4)[2:-1]
    claimed = claimed[9:] if claimed[:1] == b"\x95" else claimed
    data = data.replace(b"K\x03\x85", claimed.replace(b"\x94", b""), 1).replace(b"\x95" + data[3:11], b"", 1)
    assert read(data, "model.joblib").state in {"understood", "unreadable"}


@pytest.mark.skipif(struct.calcsize("P") != 8, reason="64-bit sizes")
def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    checkpoint = read_checkpoint(str(tmp_path / "model.pkl"), "model.pkl")
    assert checkpoint.main_pickle is not None
    assert checkpoint.size_bytes == len(pickle.dumps({"a": 1}))

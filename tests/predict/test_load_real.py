"""The prediction against torch.load itself, on objects of all kinds."""

import importlib
import inspect
import io
import pickle
import pickletools
import re
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modeldoctor.predict.load import Predictor
from modeldoctor.predict.load.cure import snippet
from modeldoctor.predict.load.releases import columns_for
from modeldoctor.predict.load.resolve import resolve
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.storage import Memory
from modeldoctor.tables import table
from tests.predict import real_objects

TORCH = torch.__version__
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
WAYS: dict[str, dict[str, Any]] = {
    "default": {},
    "weights_only": {"weights_only": True},
    "full": {"weights_only": False},
}
# What the restricted loader says, and the class it is.
_SAYS = {
    r"Unsupported operand": "wo_unsupported_opcode",
    r"was not an allowed global": "wo_unsupported_global",
    r"is blocked": "wo_blocked_module",
    r"Can only create new object": "wo_unsupported_instance",
    r"Can only build": "wo_unsupported_build",
    r"Trying to call reduce": "wo_unsupported_call",
    r"Can only (append|extend|SETITEM)": "wo_unsupported_fill",
}


def saved(value: object, protocol: int, legacy: bool) -> bytes | None:
    """The bytes of the file, or None when the object cannot be saved."""
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.save(value, buffer, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    except (pickle.PicklingError, TypeError, AttributeError, RuntimeError, NotImplementedError, OverflowError):
        return None
    return buffer.getvalue()


def loaded(data: bytes, way: str) -> Exception | None:
    """The error of the real load, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.load(io.BytesIO(data), **WAYS[way])
    except Exception as error:  # noqa: BLE001 - whatever torch raises is what is compared
        return error
    return None


def disagreement(data: bytes, way: str) -> str | None:
    """How the prediction differs from the load; None when it does not, or when it says that nobody can tell."""
    predictor = Predictor(read_source(Memory(data), "x.pt", "x.pt"))
    predicted = predictor.predict(TORCH, way, python=PYTHON, numpy=np.__version__)
    error = loaded(data, way)
    if predicted.outcome == "unknown":
        return f"unknown, really {error!r}: {predicted.reason}"
    if predicted.loads != (error is None):
        return f"{predicted.outcome} ({predicted.message}), really {error!r}"
    if error is None:
        return None
    expected = predicted.exception.rpartition(".")[2]
    if type(error).__name__ != expected:
        return f"{expected}, really {error!r}"
    said = next((kind for text, kind in _SAYS.items() if re.search(text, str(error))), None)
    if said and said != predicted.outcome_class:
        return f"{predicted.outcome_class}, really {said}: {error}"
    name = re.search(r"GLOBAL (\S+) was not an allowed", str(error))
    if name and name[1].rpartition(".")[2] not in predicted.message:
        return f"names {predicted.message}, really {name[1]}"
    return None


PROTOCOLS = st.sampled_from([2, 2, 2, 3, 4, 5, 1, 0])


def agrees(value: object, protocol: int, legacy: bool) -> None:
    data = saved(value, protocol, legacy)
    # The legacy format makes nested tensors before it reads their sizes: what lies in that memory decides.
    if data is not None and not (legacy and b"_rebuild_nested_tensor" in data):
        assert {way: found for way in WAYS if (found := disagreement(data, way))} == {}


# 2,000 objects, each loaded in three ways.
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(real_objects.objects(), PROTOCOLS, st.booleans())
def test_agrees_with_torch_load(value: object, protocol: int, legacy: bool) -> None:
    agrees(value, protocol, legacy)


@pytest.mark.heavy
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(real_objects.objects(), PROTOCOLS, st.booleans())
def test_agrees_with_torch_load_on_many(value: object, protocol: int, legacy: bool) -> None:
    agrees(value, protocol, legacy)


EVERY = [*real_objects.TENSORS, *real_objects.TORCH, *real_objects.NUMPY, *real_objects.PYTHON]


@pytest.mark.parametrize("protocol", [2, 4])
def test_agrees_on_each_kind_of_object(protocol: int) -> None:
    for make in EVERY:
        for legacy in (False, True):
            agrees({"value": real_objects.made(make)}, protocol, legacy)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(EVERY) - 1), st.floats(0, 0.9999), st.booleans())
def test_agrees_on_cut_files(which: int, share: float, legacy: bool) -> None:
    """Cut anywhere: never a load where there is none, nor the reverse."""
    whole = saved({"w": torch.zeros(2), "value": real_objects.made(EVERY[which])}, 2, legacy)
    if whole is None:
        return
    broken = whole[: int(len(whole) * share)]
    predictor = Predictor(read_source(Memory(broken), "x.pt", "x.pt"))
    for way in WAYS:
        predicted = predictor.predict(TORCH, way, python=PYTHON, numpy=np.__version__)
        error = loaded(broken, way)
        assert predicted.outcome == "unknown" or predicted.loads == (error is None), (way, predicted, error)


def test_what_to_allow_is_enough(tmp_path: Any) -> None:
    path = tmp_path / "model.pt"
    cured = 0
    for make in [*real_objects.TORCH, *real_objects.NUMPY, *real_objects.PYTHON]:
        data = saved({"value": real_objects.made(make)}, 2, legacy=False)
        if data is None:
            continue
        cure = Predictor(read_source(Memory(data), "x.pt", "x.pt")).cure(TORCH)
        if cure is None or "gives the protection up" in (cure.why_not or ""):
            continue
        path.write_bytes(data)
        code = snippet(cure.names, str(path))
        error = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(code, {})
            except pickle.UnpicklingError as refused:
                error = refused
        assert (error is None) == (cure.why_not is None), (code, cure, error)
        cured += error is None
    assert cured > 40


# --------------------------------------------------------------------------- the tables against the release


def test_the_column_is_that_of_the_release() -> None:
    from torch import _weights_only_unpickler as unpickler

    (column,) = columns_for(TORCH)
    assert column.allowed == set(unpickler._get_allowed_globals())
    assert column.blocked == set(unpickler._blocklisted_modules)
    source = inspect.getsource(unpickler.Unpickler)
    known = {each.name for each in pickletools.opcodes if re.search(rf"\b{each.name}\[0\]", source)}
    assert column.opcodes == known | {"BINPERSID"}


def test_names_resolve_as_the_tables_say() -> None:
    """Those of parts of torch that can be imported without side effects."""
    (column,) = columns_for(TORCH)
    wrong = []
    safe = re.compile(
        r"torch\.(nn\.modules|nn\.utils|nn\.parameter|optim|_utils$|_tensor$|storage|distributions|fx\.graph)"
    )
    names = table("torch_names")["names"]
    for module in [module for module in names if safe.match(module)]:
        for text in names[module].split():
            name = text.partition("@")[0]
            real = _resolves(module, name)
            found = resolve(column, (3, 11), (2, 0), module, name)
            if (found is None) != real:
                wrong.append((module, name, real))
    assert wrong == []


def _resolves(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False


def test_rebuilders_take_what_the_tables_say() -> None:
    signatures = table("torch_loading")["signatures"]
    for name, changes in signatures.items():
        module, _, function = name.rpartition(".")
        if not _resolves(module, function):
            continue
        parameters = inspect.signature(getattr(importlib.import_module(module), function)).parameters.values()
        fewest = sum(each.default is inspect.Parameter.empty for each in parameters)
        assert list(changes.values())[-1] == [fewest, len(parameters)], name

"""Load verdicts by release: what each step of the loaders does, on files made for it."""

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.load import LoadOutcome
from modeldoctor.predict.load import FORWARD_MODES, MODES, Predictor, matrix, predict
from modeldoctor.predict.load.cure import snippet
from modeldoctor.predict.load.summary import line, rows, summarise
from modeldoctor.readers.checkpoint.read import read_source
from modeldoctor.storage import Memory
from modeldoctor.tables import table

RELEASES = list(table("torch_loading")["releases"])


def read(data: bytes, name: str = "x.pt") -> Checkpoint:
    return read_source(Memory(data), name, name)


def saved(value: object, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def legacy(value: object, **options: Any) -> bytes:
    return saved(value, _use_new_zipfile_serialization=False, **options)


def rezipped(data: bytes, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> bytes:
    """The archive with members renamed, changed or left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            member = change(name, old.read(name))
            if member is not None:
                new.writestr(zipfile.ZipInfo(member[0]), member[1])
    return buffer.getvalue()


def archive(pickled: bytes, **records: bytes) -> bytes:
    """A torch.save zip around a pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in {"data.pkl": pickled, "version": b"3\n", **records}.items():
            file.writestr(zipfile.ZipInfo(f"archive/{name}"), data)
    return buffer.getvalue()


def named(*names: str) -> bytes:
    """A pickle that names globals and is a list of them."""
    return b"\x80\x02](" + b"".join(b"c" + name.replace(" ", "\n").encode() + b"\n" for name in names) + b"e."


def verdict(data: bytes | Checkpoint, release: str, mode: str = "default", **options: Any) -> LoadOutcome:
    checkpoint = data if isinstance(data, Checkpoint) else read(data)
    return predict(checkpoint, release, mode, **options)


def classes(data: bytes, mode: str = "default", **options: Any) -> dict[str, str]:
    """Class → first release with it, in order."""
    found: dict[str, str] = {}
    predictor = Predictor(read(data))
    for release in RELEASES:
        found.setdefault(predictor.predict(release, mode, **options).outcome_class, release)
    return found


WEIGHTS = {"w": torch.arange(4.0), "b": torch.zeros(2)}
STATE = saved(WEIGHTS)


# --------------------------------------------------------------------------- releases


def test_a_state_dict_loads_since_the_zip_format_is_read() -> None:
    assert classes(STATE) == {"zip_version_too_new": "1.4.0", "ok": "1.7.1"}
    assert verdict(STATE, "2.4.1").outcome == "loads with warning"
    assert verdict(STATE, "2.6.0").outcome == "loads"
    assert classes(legacy(WEIGHTS)) == {"ok": "1.4.0"}


def test_releases_between_are_interpolated_or_unknown() -> None:
    assert verdict(STATE, "1.9.1").measured == ("1.7.1", "1.10.2")
    assert verdict(STATE, "1.9.1").loads
    lazy = verdict(archive(named("torch.nn.modules.linear LazyLinear")), "1.8.0")
    assert (lazy.outcome, lazy.measured) == ("unknown", ("1.7.1", "1.10.2"))
    assert "1.7.1 does not load it, 1.10.2 loads it" in lazy.reason
    assert verdict(STATE, "2.3.0").measured == ("2.3.1",)
    assert verdict(STATE, "2.6.0+cu124").loads


@pytest.mark.parametrize("release", ["1.3.1", "2.99.0", "3.0.0", "banana", ""])
def test_what_the_tables_do_not_know_is_unknown(release: str) -> None:
    outcome = verdict(STATE, release)
    assert (outcome.outcome, outcome.loads) == ("unknown", False)
    assert outcome.reason.startswith("nobody can tell")


# --------------------------------------------------------------------------- the restricted loader


def test_a_custom_class_is_refused_by_default_since_2_6() -> None:
    data = archive(named("argparse Namespace"))
    assert verdict(data, "2.5.1").loads
    outcome = verdict(data, "2.6.0")
    assert (outcome.outcome, outcome.outcome_class) == ("refused", "wo_unsupported_global")
    assert "argparse.Namespace" in outcome.message
    assert "safe_globals([argparse.Namespace])" in outcome.fix
    assert verdict(data, "2.6.0", "full").loads
    assert verdict(data, "1.12.1", "weights_only").outcome_class == "no_weights_only_parameter"


def test_what_is_allowed_grew() -> None:
    assert classes(archive(named("collections Counter")), "weights_only")["ok"] == "2.4.1"
    assert classes(archive(named("__builtin__ set")), "weights_only")["ok"] == "2.6.0"
    assert classes(archive(named("torch.nn.parameter Parameter")), "weights_only")["ok"] == "1.13.1"
    floats = classes(archive(b"\x80\x02G\0\0\0\0\0\0\0\0."), "weights_only")
    assert (floats["wo_unsupported_opcode"], floats["ok"]) == ("1.13.1", "2.0.1")
    assert verdict(archive(named("posix system")), "2.5.1", "weights_only").outcome_class == "wo_blocked_module"
    assert verdict(archive(named("posix system")), "2.4.1", "weights_only").outcome_class == "wo_unsupported_global"


def test_the_first_offender_in_the_stream_decides() -> None:
    pickled = b"\x80\x04\x8c\x01a\x94."  # SHORT_BINUNICODE, then MEMOIZE
    assert "140" in verdict(archive(pickled), "2.6.0").message
    both = b"\x80\x02(cshop\nNet\n\x8c\x01at."
    assert verdict(archive(both), "2.6.0").outcome_class == "wo_unsupported_global"
    assert verdict(archive(both), "2.6.0").position == 3


def test_safe_globals_are_not_promised_where_they_do_not_help() -> None:
    outcome = verdict(archive(b"\x80\x02(cargparse\nNamespace\n\x8c\x01at."), "2.6.0")
    assert "`safe_globals` does not help" in outcome.fix
    assert "SHORT_BINUNICODE" in outcome.fix
    door = verdict(archive(named("__builtin__ getattr")), "2.6.0")
    assert "uses `builtins.getattr`" in door.fix
    assert "gives the protection up" in door.fix
    old = verdict(archive(named("argparse Namespace")), "2.3.1", "weights_only")
    assert "has no add_safe_globals" in old.fix


def test_the_snippet_to_paste() -> None:
    predictor = Predictor(read(archive(named("argparse Namespace", "shop.nets Net", "other Net", "__builtin__ list"))))
    cure = predictor.cure("2.6.0")
    assert cure is not None
    assert cure.why_not is None
    assert snippet(cure.names, "m.pt").splitlines() == [
        "import torch",
        "from argparse import Namespace",
        "from shop.nets import Net",
        "from other import Net as Net_",
        "",
        "with torch.serialization.safe_globals([Namespace, Net, Net_, list]):",
        "    torch.load('m.pt', weights_only=True)",
    ]
    assert "add_safe_globals([Namespace" in snippet(cure.names, "m.pt", since=(2, 4))
    assert Predictor(read(STATE)).cure("2.6.0") is None
    assert predictor.cure("1.12.1") is None


# --------------------------------------------------------------------------- names


def test_names_of_torch_by_release() -> None:
    assert classes(archive(named("torch.nn.modules.normalization RMSNorm")), "full")["ok"] == "2.4.1"
    gone = classes(archive(named("torch.nn.modules.linear _LinearWithBias")))
    assert gone == {
        "zip_version_too_new": "1.4.0",
        "ok": "1.7.1",
        "attribute_missing_in_module": "1.10.2",
        "wo_unsupported_global": "2.6.0",
    }
    moved = verdict(archive(named("torch.ao.nn.quantized.dynamic.modules.linear Linear")), "1.12.1")
    assert (moved.outcome_class, moved.message) == ("module_missing", "No module named 'torch.ao.nn.quantized'")
    assert verdict(archive(named("torch.tensor _rebuild_from_type")), "1.10.2").loads  # moved to torch._tensor
    assert verdict(archive(named("torch.secret Net")), "2.5.1").outcome == "unknown"
    assert verdict(archive(named("torch FloatStorage", "torch.cuda HalfStorage")), "2.5.1").loads


def test_names_of_numpy_and_python_follow_their_versions() -> None:
    new = archive(named("numpy._core.multiarray scalar"))
    assert verdict(new, "1.10.2").message == "No module named 'numpy._core'"
    assert verdict(new, "1.12.1").loads
    assert not verdict(new, "1.12.1", numpy="1.24.4").loads
    assert verdict(new, "2.5.1", numpy="2.2").loads
    path = archive(named("pathlib._local PosixPath"))
    assert verdict(path, "2.5.1").message == "No module named 'pathlib._local'; 'pathlib' is not a package"
    assert verdict(path, "2.5.1", python="3.13").loads
    assert verdict(archive(named("builtins nothing_like_this")), "2.5.1").outcome_class == "attribute_missing_in_module"
    assert verdict(archive(named("__main__ Net")), "2.5.1").outcome_class == "attribute_missing_in_module"


def test_custom_code_is_importable_or_not() -> None:
    data = archive(named("shop.nets Net"))
    assert verdict(data, "2.5.1").loads
    missing = verdict(data, "2.5.1", importable=False)
    assert (missing.exception, missing.message) == ("ModuleNotFoundError", "No module named 'shop'")


def test_protocol_5_needs_python_3_8() -> None:
    data = pickle.dumps({"a": 1}, 5)
    assert verdict(data, "1.4.0").outcome_class == "pickle_protocol_unsupported"
    assert verdict(data, "1.7.1").outcome_class == "legacy_bad_magic"
    assert verdict(data, "1.7.1", python="3.7").outcome_class == "pickle_protocol_unsupported"


# --------------------------------------------------------------------------- calls


def test_rebuild_functions_take_what_their_release_takes() -> None:
    conjugate = saved({"w": torch.tensor([1 + 2j]).conj()})  # seven arguments
    assert verdict(conjugate, "1.13.1").outcome_class == "rebuild_signature_mismatch"
    assert verdict(conjugate, "2.0.1").loads
    sparse = saved({"w": torch.eye(3).to_sparse()})  # four parts since 2.1
    assert verdict(sparse, "2.0.1", "full").message == "too many values to unpack (expected 3)"
    assert verdict(sparse, "2.1.2", "full").loads
    with pytest.warns(UserWarning, match="Sparse CSR"):
        compressed = saved({"w": torch.eye(3).to_sparse_csr()})
    assert verdict(compressed, "1.12.1").outcome_class == "layout_unsupported"
    assert verdict(compressed, "1.13.1", "weights_only").outcome_class == "wo_wrapped_layout_unsupported"
    assert verdict(compressed, "2.0.1").loads


def test_float8_needs_the_release_that_saved_it() -> None:
    data = {"w": torch.zeros(2).to(torch.float8_e4m3fn)}
    assert classes(saved(data), "full")["ok"] == "2.2.2"
    assert "ok" not in classes(legacy(data), "full")
    assert classes(saved({"w": torch.zeros(2, dtype=torch.uint16)}), "weights_only")["ok"] == "2.6.0"


def test_bytecode_and_generators_belong_to_their_versions() -> None:
    code = archive(b"\x80\x02ctypes\nCodeType\n(" + b"K\0" * 16 + b"tR.")
    assert verdict(code, "1.13.1").loads
    assert verdict(code, "2.0.1").outcome_class == "bytecode_of_other_python"
    assert verdict(code, "2.0.1", python="3.10").loads
    generator = archive(b"\x80\x02cnumpy.random._pickle\n__bit_generator_ctor\ncnumpy.random._pcg64\nPCG64\n\x85R.")
    assert "is not a known BitGenerator" in verdict(generator, "2.4.1").message
    assert verdict(generator, "2.5.1").loads


# --------------------------------------------------------------------------- devices


@pytest.mark.parametrize(
    ("tag", "release", "expected"),
    [
        ("cuda:0", "1.7.1", "device_unavailable"),
        ("mps", "1.12.1", "unknown_location_tag"),
        ("mps", "1.13.1", "device_unavailable"),
        ("xpu:0", "2.3.1", "unknown_location_tag"),
        ("xpu:0", "2.4.1", "device_unavailable"),
        ("hpu:0", "2.0.1", "unknown_location_tag"),
        ("hpu:0", "2.1.2", "device_unavailable"),
        ("npu:0", "2.1.2", "device_unavailable"),  # this release asks for an HPU whatever the tag
        ("npu:0", "2.2.2", "unknown_location_tag"),
        ("meta", "1.13.1", "ok"),
    ],
)
def test_devices_of_a_host_without_accelerators(tag: str, release: str, expected: str) -> None:
    storage = (
        b"\x80\x02(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X"
        + struct.pack("<I", len(tag))
        + tag.encode()
        + b"K\x01tQ."
    )
    data = archive(storage, **{"data/0": b"\0" * 4})
    assert verdict(data, release, "full" if release >= "2.6" else "default").outcome_class == expected
    assert verdict(data, release, "default_cpu").loads
    if tag.startswith("cuda"):
        assert verdict(data, release, gpus=1).loads
        assert not verdict(data.replace(b"cuda:0", b"cuda:3"), release, gpus=2).loads


def test_runtime_errors_are_wrapped_up_to_2_4() -> None:
    data = rezipped(STATE, lambda name, member: None if name.endswith("data/0") else (name, member))
    assert verdict(data, "2.4.1", "weights_only").outcome_class == "wo_wrapped_zip_missing_entry"
    assert verdict(data, "2.4.1", "weights_only").exception == "_pickle.UnpicklingError"
    assert verdict(data, "2.5.1", "weights_only").exception == "RuntimeError"
    assert verdict(data, "2.5.1", "weights_only").outcome == "fails"


# --------------------------------------------------------------------------- damaged archives


def test_archives_that_torch_does_not_open() -> None:
    def kind(data: bytes, release: str = "2.6.0", mode: str = "default") -> str:
        return verdict(data, release, mode).outcome_class

    def version(text: bytes) -> bytes:
        return rezipped(STATE, lambda name, member: (name, text if name.endswith("version") else member))

    assert kind(STATE[:-1]) == kind(STATE[: len(STATE) // 2]) == "zip_damaged"
    assert kind(version(b"99")) == "zip_version_too_new"
    assert kind(version(b"abc")) == "zip_bad_version_record"
    assert kind(version(b"9"), "1.10.2") == "zip_version_too_new"
    assert kind(rezipped(STATE, lambda name, member: (name.partition("/")[2], member))) == "zip_no_top_folder"
    assert kind(rezipped(STATE, lambda name, member: (f"a/{name}", member))) == "zip_missing_entry"
    drop = rezipped(STATE, lambda name, member: None if name.endswith(".pkl") else (name, member))
    assert kind(drop) == "zip_missing_entry"
    order = rezipped(STATE, lambda name, member: (name, b"middle" if name.endswith("byteorder") else member))
    assert (kind(order, "2.0.1"), kind(order)) == ("ok", "zip_bad_byteorder_record")
    short = rezipped(STATE, lambda name, member: (name, member[:4] if name.endswith("data/0") else member))
    assert (kind(short, "2.9.1"), kind(short, "2.10.0")) == ("ok", "zip_record_size_mismatch")
    assert kind(short, "2.10.0", "mmap") == "ok"
    two = rezipped(STATE, lambda name, member: (name.replace("archive", "x") if "data/1" in name else name, member))
    assert kind(two) == "zip_no_top_folder"
    assert kind(two, mode="jit") == "zip_missing_entry"


def test_damaged_and_foreign_streams() -> None:
    def kinds(data: bytes) -> tuple[str, str]:
        checkpoint = read(data)
        return verdict(checkpoint, "2.6.0", "full").outcome_class, verdict(checkpoint, "2.6.0").outcome_class

    whole = legacy(WEIGHTS)
    assert kinds(b"") == kinds(whole[:2]) == ("empty_or_cut_pickle", "empty_or_cut_pickle")
    assert (
        kinds(b"<!DOCTYPE html>")
        == kinds(b"\x89HDF\r\n")
        == kinds(b"\0" * 16)
        == ("not_a_pickle", "wo_unsupported_opcode")
    )
    assert kinds(pickle.dumps({"a": 1}, 2)) == ("legacy_bad_magic", "legacy_bad_magic")
    assert kinds(whole[:-1]) == ("legacy_truncated", "legacy_truncated")
    assert kinds(b"\0" * 1024) == ("legacy_tar", "other")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    assert kinds(buffer.getvalue()) == ("legacy_tar", "other")
    assert verdict(b"<html>", "1.12.1", "jit").outcome_class == "jit_unrecognized_format"
    assert verdict(b"<html>", "1.13.1", "jit").outcome_class == "zip_damaged"
    assert verdict(whole, "2.6.0", "mmap").outcome_class == "mmap_needs_zip"
    assert verdict(b"", "1.4.0").outcome_class == "other"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_get_a_verdict(data: bytes) -> None:
    predictor = Predictor(read(data))
    for mode in (*MODES, *FORWARD_MODES):
        for release in ("1.4.0", "1.9.0", "2.4.1", "2.13.0"):
            found = predictor.predict(release, mode)
            assert found.outcome in {"loads", "loads with warning", "refused", "fails", "unknown"}
            assert found.loads == (found.outcome_class == "ok")


# --------------------------------------------------------------------------- programs and safetensors


class Scripted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.scaled_dot_product_attention(self.fc(x), x, x)


@pytest.fixture(scope="module")
def scripted() -> bytes:
    buffer = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.save(torch.jit.script(Scripted()), buffer)
    return buffer.getvalue()


def test_torchscript(scripted: bytes) -> None:
    assert verdict(scripted, "2.5.1").loads
    assert verdict(scripted, "2.6.0").outcome_class == "wo_torchscript_refused"
    assert "torch.jit.load" in verdict(scripted, "2.6.0").fix
    assert verdict(scripted, "2.6.0", "full").loads
    found = classes(scripted, "jit")
    assert found["ok"] == "2.0.1"  # scaled_dot_product_attention came with 2.0
    assert "aten::scaled_dot_product_attention" in verdict(scripted, "1.13.1", "jit").message
    assert verdict(scripted, "1.7.1", "jit").outcome_class == "process_crash"
    assert verdict(STATE, "2.6.0", "jit").outcome_class == "zip_missing_entry"
    assert verdict(scripted, "2.6.0", "jit_forward").loads


def flat_export(version: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("serialized_exported_program.json", "{}")
        file.writestr("serialized_state_dict.pt", STATE)
        file.writestr("version", version)
    return buffer.getvalue()


def test_exported_programs() -> None:
    def loads(version: str) -> list[str]:
        predictor = Predictor(read(flat_export(version), "x.pt2"))
        return [release for release in RELEASES if predictor.predict(release, "export").loads]

    assert loads("1") == ["2.1.2"]
    assert loads("5.3") == ["2.3.1", "2.4.1"]
    assert loads("7.3") == ["2.5.1"]
    assert loads("8.2") == RELEASES[RELEASES.index("2.6.0") :]
    assert loads("8.7") == RELEASES[RELEASES.index("2.7.1") :]
    assert verdict(flat_export("8.2"), "2.6.0").outcome_class == "zip_no_top_folder"
    assert verdict(STATE, "2.6.0", "export").outcome_class == "export_version_mismatch"
    assert verdict(b"nothing", "2.6.0", "export").outcome_class == "zip_damaged"
    assert verdict(STATE, "2.0.1", "export").message == "module 'torch' has no attribute 'export'"


def safetensors(dtype: str, size: int, shape: str = "[1]") -> bytes:
    header = f'{{"w":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{size}]}}}}'.encode()
    return struct.pack("<Q", len(header)) + header + b"\0" * size


def test_safetensors() -> None:
    plain = read(safetensors("F32", 4), "x.safetensors")
    assert verdict(plain, "1.10.2", "safetensors").loads
    assert verdict(plain, "1.7.1", "safetensors").message == "module 'torch' has no attribute 'frombuffer'"
    assert verdict(plain, "2.12.1").outcome == "refused"  # torch.load takes it for a pickle
    assert verdict(plain, "2.13.0").loads
    float8 = read(safetensors("F8_E4M3", 1), "x.safetensors")
    assert verdict(float8, "2.0.1", "safetensors").outcome_class == "attribute_missing_in_module"
    assert verdict(float8, "2.1.2", "safetensors").loads
    damaged = read(safetensors("F32", 4)[:-1], "x.safetensors")
    assert verdict(damaged, "2.6.0", "safetensors").outcome_class == "safetensors_error"


# --------------------------------------------------------------------------- forward passes


def test_attributes_that_a_release_expects() -> None:
    old = nn.Sequential(nn.GELU())
    del old[0].__dict__["approximate"]  # as torch up to 1.11 pickled it
    data = saved(old)
    assert verdict(data, "1.10.2", "forward").loads
    outcome = verdict(data, "1.12.1", "forward")
    assert (outcome.outcome_class, outcome.message) == (
        "forward_fails",
        "'GELU' object has no attribute 'approximate'",
    )
    assert "state_dict" in outcome.fix
    assert verdict(data, "1.12.1").loads
    assert verdict(saved(nn.Sequential(nn.GELU())), "2.6.0", "forward").loads
    assert verdict(STATE, "2.6.0", "forward").outcome == "unknown"
    upsample = nn.Upsample(scale_factor=2)
    del upsample.__dict__["recompute_scale_factor"]
    broken = [r for r in RELEASES if verdict(saved(upsample), r, "forward").outcome_class == "forward_fails"]
    assert broken == ["1.12.1", "1.13.1", "2.0.1"]


# --------------------------------------------------------------------------- many verdicts


def test_matrix_and_its_summary() -> None:
    found = matrix(read(archive(named("argparse Namespace"))), RELEASES, ["default", "full"], importable=(True, False))
    assert len(found) == len(RELEASES) * 4
    ranges = summarise(found)
    assert (
        line(ranges["default", True]) == "1.4 fails; 1.7 – 2.3 loads; 2.4 – 2.5 loads with warning; 2.6 – 2.15 refused"
    )
    assert line(ranges["full", True]) == "1.4 – 1.12 fails; 1.13 – 2.15 loads"
    (first, *_) = rows(found)
    assert first["torch"] == "1.4.0"
    assert (first["outcome"], first["verdict"], first["class"]) == ("fails", "fails", "zip_version_too_new")
    assert {row["outcome"] for row in rows(found)} == {"loads", "fails"}


def test_every_failure_is_explained() -> None:
    samples = [STATE, legacy(WEIGHTS), b"", b"<html>", STATE[:-5], archive(named("shop Net", "argparse Namespace"))]
    for data in samples:
        for outcome in matrix(read(data), RELEASES, (*MODES, *FORWARD_MODES), importable=(True, False)):
            if outcome.loads:
                assert (outcome.reason, outcome.fix, outcome.outcome_class) == ("", "", "ok")
            else:
                assert outcome.reason, outcome
                assert outcome.reason[0].islower() or outcome.reason[0] == "`", outcome
                assert not outcome.reason.endswith("."), outcome

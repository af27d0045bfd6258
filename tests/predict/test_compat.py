import pytest

from modeldoctor.predict import compat
from modeldoctor.predict.compat import (
    Platform,
    asks,
    fitting,
    has_variant,
    has_wheel,
    numpy_for,
    numpy_ok,
    platform,
    release,
    torch_release,
)
from modeldoctor.predict.compat_gpu import code_of, driver_cuda, driver_for, gpu, meets, parse_driver, verdict

LINUX = Platform()
ARM = Platform("linux", "aarch64")
WINDOWS = Platform("windows")


@pytest.mark.parametrize(
    ("text", "status", "named"),
    [
        ("2.6.0", "known", "2.6.0"),
        ("2.6", "known", "2.6.0"),
        ("2.4", "known", "2.4.1"),
        ("2.6.0+cu124", "known", "2.6.0"),
        ("2.5.2", "unknown", None),
        ("1.8.2", "unknown", None),
        ("99.0", "newer", None),
        ("2.15.9", "newer", None),
        ("0.4.1", "older", None),
        ("2.5.0a0+872d972e41.nv24.8", "pre-release", None),
        ("banana", "invalid", None),
        ("2..6", "invalid", None),
    ],
)
def test_torch_releases(text: str, status: str, named: str | None) -> None:
    known = torch_release(text)
    assert (known.status, known.release and known.release.version) == (status, named)


def test_neighbours_of_an_unknown_release() -> None:
    assert torch_release("2.5.2").nearest == ("2.5.1", "2.6.0")
    assert torch_release("99").nearest == (compat.newest().version,)
    assert "2.9.1" in torch_release("2.9.i").nearest


@pytest.mark.parametrize(
    ("torch", "variant", "expected"),
    [
        ("2.6.0", "cu124", True), ("2.6.0", "cu130", False), ("2.6.0", "cpu", True), ("2.6.0", "rocm6.2", None),
        ("2.8.0", "cu118", False), ("2.14.1", "cu126", True), ("2.15.0", "cu126", None), ("2.15.0", "cu132", True),
        ("2.9.1", "cu129", None), ("1.10.1", "cu113", True), ("9.9.9", "cu118", None), ("2.13.0", "cu128", False),
    ],
)  # fmt: skip
def test_builds(torch: str, variant: str, expected: bool | None) -> None:
    assert has_variant(torch, variant) is expected


@pytest.mark.parametrize(
    ("torch", "where", "expected"),
    [
        ("2.10.0", LINUX, "cu128"), ("2.11.0", LINUX, "cu130"), ("2.15.0", LINUX, "cu132"), ("1.12.1", LINUX, "cu102"),
        ("2.10.0", ARM, "cpu"), ("2.11.0", ARM, "cu130"), ("2.13.0", WINDOWS, "cpu"), ("2.6.0", Platform("macos", "aarch64"), "cpu"),
    ],
)  # fmt: skip
def test_the_build_of_the_default_registry(torch: str, where: Platform, expected: str) -> None:
    assert compat.default_variant(release(torch), where) == expected


@pytest.mark.parametrize(
    ("torch", "python", "where", "expected"),
    [
        ("2.13.0", "3.13", LINUX, True), ("2.15.0", "3.10", LINUX, False), ("1.6.0", "3.12", LINUX, False),
        ("1.13.1", "3.11", LINUX, True), ("2.7.0", "3.13t", LINUX, True), ("2.2.2", "3.12", Platform("macos", "x86_64"), True),
        ("2.3.0", "3.12", Platform("macos", "x86_64"), False), ("2.3.0", "", Platform("macos", "aarch64"), True),
        ("2.15.0", "3.15", LINUX, True), ("2.6.0", "", LINUX, True),
    ],
)  # fmt: skip
def test_wheels(torch: str, python: str, where: Platform, expected: bool) -> None:
    assert has_wheel(release(torch), python, where) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/arm64", ARM), ("linux/amd64", LINUX), ("linux", LINUX), ("windows", WINDOWS), ("win_amd64", WINDOWS),
        ("macosx_11_0_arm64", Platform("macos", "aarch64")), ("darwin", Platform("macos", "aarch64")),
        ("macos-x86_64", Platform("macos", "x86_64")), ("aarch64", ARM), ("banana", None),
    ],
)  # fmt: skip
def test_platforms(text: str, expected: Platform | None) -> None:
    assert platform(text) == expected


def test_companions() -> None:
    assert asks("torchvision", "0.16.0") == "==2.1.0"
    assert asks("torchvision", "0.16.0+cu118") == "==2.1.0"
    assert asks("torchaudio", "2.11.0") == ""
    assert asks("torchvision", "9.9") is None
    assert asks("transformers", "4.52.1") == ">=2.1"  # the upper bound is known for 4.52.4 only
    assert fitting("torchvision", "2.14.0") == ("0.29.0", "0.29.1", "0.29.2")
    assert fitting("torchvision", "2.15.0") == ("0.29.1", "0.29.2")
    assert fitting("torchaudio", "2.13.0") == ("2.11.0",)


@pytest.mark.parametrize(
    ("torch", "numpy", "where", "expected"),
    [
        ("2.2.2", "2.0.2", LINUX, False), ("2.2.2", "1.26.4", LINUX, True), ("2.3.0", "2.0.2", LINUX, True),
        ("2.3.1", "2.0.2", WINDOWS, False), ("2.4.0", "2.1.0", WINDOWS, False), ("2.4.1", "2.1.0", WINDOWS, True),
        ("1.13.1", "2.2.6", LINUX, False), ("2.13.0", "2.4.6", LINUX, True),
    ],
)  # fmt: skip
def test_numpy(torch: str, numpy: str, where: Platform, expected: bool) -> None:
    assert numpy_ok(release(torch), numpy, where) is expected


def test_the_numpy_that_pip_installs() -> None:
    assert [numpy_for(python) for python in ("3.9", "3.10", "3.11")] == ["2.0.2", "2.2.6", "2.4.6"]
    assert numpy_for("3.12", "<2") == "1.26.4"
    assert numpy_for("3.8") == "1.24.4"


@pytest.mark.parametrize(
    ("text", "capability"),
    [
        ("t4", 75), ("Tesla T4", 75), ("NVIDIA A100-SXM4-40GB", 80), ("a100", 80), ("v100", 70), ("h100", 90),
        ("NVIDIA H100 80GB HBM3", 90), ("l4", 89), ("l40s", 89), ("a10g", 86), ("rtx4090", 89), ("4090", 89), ("1080ti", 61),
        ("NVIDIA GeForce RTX 3090", 86), ("NVIDIA RTX 6000 Ada Generation", 89), ("Quadro RTX 8000", 75), ("g5.xlarge", 86),
        ("p3.2xlarge", 70), ("Standard_NC4as_T4_v3", 75), ("nvidia-tesla-t4", 75), ("sm_86", 86), ("8.6", 86), ("gb10", 121),
        ("thor", 110), ("b200", 100), ("b300", 103), ("gh200", 90), ("rtx pro 6000", 120), ("RTX 5090", 120),
        ("6000", None), ("rtx", None), ("banana", None), ("", None), ("a1", None),
    ],
)  # fmt: skip
def test_gpu_names(text: str, capability: int | None) -> None:
    found = gpu(text)
    assert (found and found.capability) == capability


# What is said of a build on a GPU under a driver: from the wheels' own lists and NVIDIA's driver tables.
VERDICTS = [
    ("2.6.0", "cu124", LINUX, "t4", "535.104", "runs by minor-version compatibility"),
    ("2.6.0", "cu124", LINUX, "t4", "550.54.14", "runs"),
    ("2.13.0", "cu130", LINUX, "t4", "535", "driver too old"),
    ("2.13.0", "cu130", LINUX, "t4", "575.57.08", "driver too old"),
    ("2.13.0", "cu130", LINUX, "t4", "580.65.06", "runs"),
    ("2.15.0", "cu132", LINUX, "l4", "580", "runs by minor-version compatibility"),
    ("2.15.0", "cu132", LINUX, "l4", "595.71.05", "runs"),
    ("2.15.0", "cu132", LINUX, "l4", "610", "runs"),
    ("2.15.0", "cu132", LINUX, "l4", "999", "runs"),
    ("2.13.0", "cu130", LINUX, "l4", "", "runs"),
    ("2.13.0", "cu130", LINUX, "rtx4090", "", "runs"),
    ("2.13.0", "cu130", LINUX, "b300", "", "runs"),
    ("2.13.0", "cu130", LINUX, "gb10", "", "runs"),
    ("2.11.0", "cu130", LINUX, "v100", "", "no code for this GPU"),
    ("2.13.0", "cu126", LINUX, "v100", "", "runs"),
    ("2.11.0", "cu128", LINUX, "v100", "", "no code for this GPU"),
    ("2.10.0", "cu128", LINUX, "v100", "", "runs"),
    ("2.8.0", "cu128", LINUX, "gtx 1080 ti", "", "no code for this GPU"),
    ("2.7.1", "cu126", LINUX, "gtx 1080 ti", "", "runs"),
    ("2.14.1", "cu126", LINUX, "p100", "", "runs"),
    ("1.12.1", "cu102", LINUX, "a100", "", "no code for this GPU"),
    ("1.12.1", "cu116", LINUX, "a100", "", "runs"),
    ("1.12.1", "cu102", LINUX, "t4", "", "runs"),
    ("1.12.1", "cu113", LINUX, "l4", "", "runs"),
    ("1.13.1", "cu117", LINUX, "h100", "", "no code for this GPU"),
    ("2.0.1", "cu117", LINUX, "h100", "", "no code for this GPU"),
    ("2.0.1", "cu118", LINUX, "h100", "", "runs"),
    ("2.1.0", "cu121", LINUX, "h100", "", "runs"),
    ("2.6.0", "cu124", LINUX, "rtx5090", "", "no code for this GPU"),
    ("2.7.0", "cu128", LINUX, "rtx5090", "", "runs"),
    ("2.7.0", "cu126", LINUX, "b200", "", "no code for this GPU"),
    ("2.8.0", "cu128", LINUX, "b200", "", "runs"),
    ("2.12.0", "cu130", LINUX, "thor", "", "no code for this GPU"),
    ("2.12.0", "cu130", ARM, "thor", "", "runs"),
    ("2.12.0", "cu126", ARM, "gh200", "", "runs"),
    ("2.9.0", "cu130", ARM, "gh200", "", "unknown"),
    ("2.13.0", "cu130", LINUX, "orin", "", "no code for this GPU"),
    ("2.0.1", "cu117", LINUX, "k80", "", "runs"),
    ("2.1.0", "cu121", LINUX, "k80", "", "no code for this GPU"),
    ("2.7.0", "cu118", LINUX, "k80", "", "unknown"),
    ("2.6.0", "cu130", LINUX, "t4", "", "no such build"),
    ("2.6.0", "cpu", LINUX, "t4", "", "cpu build"),
    ("2.6.0", "", LINUX, "t4", "", "unknown"),
    ("2.5.1", "rocm6.2", LINUX, "t4", "", "unknown"),
    ("1.9.0", "cu102", LINUX, "t4", "440.33", "runs"),
    ("1.9.0", "cu102", LINUX, "t4", "418.39", "driver too old"),
    ("1.9.0", "cu111", LINUX, "t4", "450.80.02", "runs by minor-version compatibility"),
    ("1.13.1", "cu117", LINUX, "t4", "440.33", "driver too old"),
    ("2.4.0", "cu121", WINDOWS, "rtx 3060", "531.14", "runs"),
    ("2.4.0", "cu121", WINDOWS, "rtx 3060", "516.01", "driver too old"),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "variant", "where", "card", "driver", "kind"), VERDICTS)
def test_verdicts(*, torch: str, variant: str, where: Platform, card: str, driver: str, kind: str) -> None:
    assert verdict(release(torch), variant, where, gpu(card), driver).kind == kind


def test_a_gpu_newer_than_all_code_is_unknown_where_ptx_is_in_doubt() -> None:
    future = gpu("sm_130")
    assert verdict(release("2.13.0"), "cu130", LINUX, future).kind == "unknown"
    assert verdict(release("2.6.0"), "cu124", LINUX, future).kind == "no code for this GPU"


def test_drivers() -> None:
    assert parse_driver("R535") == (535,)
    assert parse_driver("535.104.05") == (535, 104, 5)
    assert parse_driver("12.4") is None
    assert meets("525", "525.60.13")
    assert not meets("525.53", "525.60.13")
    assert driver_for("13.0", "windows") is None
    assert driver_for("10.2").floor == "440.33"
    assert driver_cuda("535.104") == "12.2"
    assert driver_cuda("300.1") == ""


def test_code() -> None:
    assert str(code_of("2.15.0", "cu132")) == "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"
    assert code_of("2.12.1", "cu130", "aarch64").sm == (80, 90, 100, 110, 120)
    assert code_of("1.4.0", "cu101") is None


def test_age() -> None:
    assert compat.age_days("2026-11-21") == 1
    assert compat.age_days("2027-06-01") > compat.STALE_AFTER_DAYS

import os
from pathlib import Path
from typing import Any

import pytest

from modeldoctor.config import KEYS, TARGET_KEYS, Config, resolve
from modeldoctor.errors import UsageError
from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Severity


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, text: str) -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_defaults() -> None:
    assert resolve({}, search=False) == Config()


def test_every_key_is_a_field() -> None:
    names = {key.replace("-", "_") for key in KEYS}
    assert names - {"gpu"} <= {*Config._fields, *Target._fields}
    assert set(KEYS) >= TARGET_KEYS


def test_flags_win_over_the_file() -> None:
    write("modeldoctor.toml", 'fail-on = "warning"\nmin-severity = "warning"\nstrict = true\ntorch = "2.1"\n')
    config = resolve({"fail_on": "never", "torch": "2.6.0"})
    assert config.fail_on is None
    assert config.min_severity is Severity.WARNING
    assert config.strict
    assert config.target.torch == Value("2.6.0", "--torch")


def test_the_file_is_looked_for_upwards_and_modeldoctor_toml_comes_first() -> None:
    write("pyproject.toml", "[tool.modeldoctor]\nstrict = true\n")
    os.makedirs("a/b")
    write("a/pyproject.toml", "[project]\nname = 'modeldoctor-user'\n")  # mentions us, but has no table
    os.chdir("a/b")
    assert resolve({}).strict
    assert not resolve({}, search=False).strict
    write("modeldoctor.toml", "sha256 = true\n")
    assert (resolve({}).strict, resolve({}).sha256) == (False, True)


def test_values_of_the_file_know_their_line() -> None:
    write("pyproject.toml", "[project]\nname = 'x'\n\n[tool.modeldoctor]\nselect = ['MDR1']\ntorch = '2.6.0'\n")
    assert resolve({}).target.torch == Value("2.6.0", "pyproject.toml:6")


def test_a_named_file() -> None:
    write("x/pyproject.toml", "[tool.modeldoctor]\nstrict = true\n")
    write("y.toml", "strict = true\n")
    assert resolve({}, file="x/pyproject.toml").strict
    assert resolve({}, file="y.toml", search=False).strict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selct = ['MDR1']", "modeldoctor.toml:1: unknown key `selct`; did you mean `select`?"),
        ("\nfail_on = 'error'", "modeldoctor.toml:2: unknown key `fail_on`; did you mean `fail-on`?"),
        ("fail-on = 'fatal'", "`fail-on` must be error, warning, info or never, not `fatal`"),
        ("min-severity = 3", "`min-severity` must be error, warning or info, not `3`"),
        ("strict = 'yes'", "`strict` must be true or false, not `yes`"),
        ("select = 'MDR1'", "`select` must be a list of codes, prefixes or slugs, not `MDR1`"),
        ("select = [1]", "`select` must be a list"),
        ("trusted-globals = ['']", "`trusted-globals` must be a list of patterns"),
        ("torch = 2.6", "`torch` must be a release such as 2.6.0, not `2.6`"),
        ("torch = ", "is not valid TOML"),
        ("a" + "[" * 5000, "is not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_place(text: str, message: str) -> None:
    write("modeldoctor.toml", text)
    with pytest.raises(UsageError) as caught:
        resolve({})
    assert message in str(caught.value)


def test_files_that_are_none() -> None:
    with pytest.raises(UsageError, match="cannot read the configuration nowhere"):
        resolve({}, file="nowhere.toml")
    with pytest.raises(UsageError, match=r"has no \[tool.modeldoctor\] table"):
        resolve({}, file=write("pyproject.toml", "[project]\n"))
    write("pyproject.toml", "[tool]\nmodeldoctor = 3\n")
    with pytest.raises(UsageError, match="must be a table"):
        resolve({})
    Path("bad.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not UTF-8"):
        resolve({}, file="bad.toml")
    Path("big.toml").write_bytes(b"#" * (5 << 20))
    with pytest.raises(UsageError, match="larger than"):
        resolve({}, file="big.toml")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"torch": "2.6"}, {"torch": "2.6"}),
        ({"cuda": "cu124"}, {"cuda": "12.4"}),
        ({"cuda": "cu118"}, {"cuda": "11.8"}),
        ({"cuda": "12.4"}, {"cuda": "12.4"}),
        ({"cuda": "CPU"}, {"cuda": "cpu"}),
        ({"gpu": ["T4", "a10g,l4"]}, {"gpus": ["t4", "a10g", "l4"]}),
        ({"gpu": ["none"]}, {"gpus": []}),
        ({"python": "3.11", "numpy": "1.26.4"}, {"python": "3.11", "numpy": "1.26.4"}),
    ],
)
def test_target_flags(flags: dict[str, Any], expected: dict[str, Any]) -> None:
    target = resolve(flags, search=False).target
    found = {
        key: [gpu.text for gpu in value] if key == "gpus" else value.text
        for key, value in target._asdict().items()
        if value is not None
    }
    assert found == expected


@pytest.mark.parametrize(
    "flags",
    [
        {"torch": "banana"}, {"python": "three"}, {"numpy": ""}, {"cuda": "cuda"}, {"cuda": "cu"}, {"cuda": "cu1²"},
        {"gpu": ["none", "t4"]}, {"gpu": [""]}, {"select": [""]}, {"select": ["a,,b"]},
    ],
)  # fmt: skip
def test_flags_that_make_no_sense(flags: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(flags))} must be"):
        resolve(flags, search=False)


def test_selection_of_flags_and_file() -> None:
    write("modeldoctor.toml", "select = ['MDR1']\nextend-select = ['MDR2']\nignore = ['MDR101', 'MDR102']\n")
    assert resolve({})[:3] == (("MDR1",), ("MDR2",), ("MDR101", "MDR102"))
    # --ignore and --extend-select add; --extend-select takes an ignored rule back
    config = resolve({"ignore": ["a,b"], "extend_select": ["MDR101"]})
    assert config[:3] == (("MDR1",), ("MDR2", "MDR101"), ("MDR102", "a", "b"))
    # --select starts afresh
    assert resolve({"select": ["MDR101"]})[:3] == (("MDR101",), (), ())

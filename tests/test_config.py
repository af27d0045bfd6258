import os
from pathlib import Path
from typing import Any

import pytest

from modeldoctor.config import FILE_KEYS, KEYS, TARGET_KEYS, Config, PathRules, resolve, settings
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
    assert {key.replace("-", "_") for key in FILE_KEYS} - {"extend", "required_version"} <= set(Config._fields)
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


def test_one_configuration_for_many_repositories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    write("site/acme_rules/__init__.py", "raise SystemExit(77)")  # found, not imported
    write("site/acme_rules/strict.toml", "fail-on = 'warning'\nignore = ['MDR2']\nexclude = ['a']\ntorch = '2.1'\n")
    monkeypatch.syspath_prepend(str(site))
    write("shared/base.toml", "extend = 'acme_rules:strict.toml'\nstrict = true\nseverity = {MDR1 = 'info'}\n")
    write(
        "repo/pyproject.toml",
        "[tool.modeldoctor]\nextend = '../shared/base.toml'\nignore = ['MDR3']\nextend-select = ['MDR2']\n"
        "exclude = ['b']\ntorch = '2.6.0'\nseverity = {MDR102 = 'error'}\n",
    )
    monkeypatch.chdir("repo")
    config = resolve({"exclude": ["c"]})
    assert (config.fail_on, config.strict) == (Severity.WARNING, True)
    assert (config.ignore, config.extend_select) == (("MDR3",), ("MDR2",))
    assert config.exclude == ("a", "b", "c")
    assert config.severity == (("MDR1", Severity.INFO), ("MDR102", Severity.ERROR))
    assert config.target.torch == Value("2.6.0", "pyproject.toml:6")
    assert config.root == str(tmp_path / "repo")
    found = settings({})
    assert [os.path.basename(path) for path in found.files] == ["strict.toml", "base.toml", "pyproject.toml"]
    assert found.values["fail-on"].source == "acme_rules:strict.toml:1"
    assert found.values["exclude"].source == "acme_rules:strict.toml:3, pyproject.toml:5"
    write("modeldoctor.toml", "extend = '../shared/base.toml'\nselect = ['MDR1']\n")
    assert resolve({})[:3] == (("MDR1",), (), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("extend = 3", "`extend` must be a path or package:path, not `3`"),
        ("\nextend = 'missing.toml'", "modeldoctor.toml:2: `extend` names "),
        ("extend = 'no_such_package:x.toml'", "the package `no_such_package` is not installed beside modeldoctor"),
        ("extend = 'a.toml'", "`extend` leads back to"),
        ("extend = 'typed.toml'", "typed.toml:1: `torch` must be a release"),
        ("required-version = '>=99'\nnonsense = 1", "modeldoctor.toml:1: modeldoctor >=99 is required, this is 0.1"),
        ("required-version = 'soon'", "`required-version` must be a specifier such as >=0.1, not `soon`"),
        ("required-version = 1", "`required-version` must be a specifier"),
        ("severity = 3", "`severity` must be a table"),
        ("severity = { MDR1 = 'fatal' }", "`severity.MDR1` must be error, warning or info, not `fatal`"),
        ("per-path = { 'a' = 3 }", "`per-path.a` must be a table"),
        ("per-path = { 'a' = { ignor = [] } }", "unknown key `ignor`; did you mean `ignore`?"),
        ("per-path = { 'a' = { ignore = 'MDR1' } }", "`ignore` must be a list of codes"),
        ("suppress = 3", "`suppress` must be tables: [[tool.modeldoctor.suppress]]"),
        ("[[suppress]]\ncodes = ['MDR1']\nreason = 'x'", "needs `path`"),
        ("[[suppress]]\npath = 'a'\ncodes = ['MDR1']", "modeldoctor.toml:1: `suppress` needs `reason`"),
        ("[[suppress]]\npath = 'a'\nreason = 'x'", "needs `codes`"),
        ("[[suppress]]\npath = 'a'\nreason = 'x'\ncodes = []", "`codes` must be a list"),
        ("[[suppress]]\npath = 'a'\nreason = 'x'\ncodes = ['MDR1']\nuntil = 'soon'", "`until` must be a day"),
        ("[[suppress]]\npath = 'a'\nreason = 'x'\ncode = ['MDR1']", "unknown key `code`; did you mean `codes`?"),
    ],
)
def test_what_is_wrong_in_tables_and_shared_files(text: str, message: str) -> None:
    write("a.toml", "extend = 'modeldoctor.toml'\n")
    write("typed.toml", "torch = 3\n")
    write("modeldoctor.toml", text)
    with pytest.raises(UsageError) as caught:
        resolve({})
    assert message in str(caught.value)


def test_a_long_chain_ends() -> None:
    for number in range(20):
        write(f"{number}.toml", f"extend = '{number + 1}.toml'\n")
    with pytest.raises(UsageError, match="more than 8 configurations"):
        resolve({}, file="0.toml")


def test_tables_know_the_line_of_each_entry() -> None:
    write(
        "pyproject.toml",
        "[project]\nname = 'x'\n[tool.modeldoctor]\nstrict = true\n\n[tool.modeldoctor.per-path]\n'a/**' = {ignore = ['MDR1']}\n"
        "[[tool.modeldoctor.suppress]]\npath = 'a'\ncodes = ['MDR1']\nreason = 'x'\nuntil = 2026-01-31\n"
        "[[tool.modeldoctor.suppress]]\npath = 'b'\ncodes = ['MDR2']\nreason = 'y'\n",
    )
    config = resolve({})
    assert config.per_path == (PathRules("a/**", None, (), ("MDR1",)),)
    assert [(entry.source, entry.pattern, entry.until) for entry in config.suppress] == [
        ("pyproject.toml:8", "a", "2026-01-31"),
        ("pyproject.toml:13", "b", ""),
    ]
    assert settings({}).values["per-path"].source == "pyproject.toml:6"


def test_paths_of_the_file_are_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("modeldoctor.toml", "baseline = 'known.json'\n")
    os.makedirs("svc")
    monkeypatch.chdir("svc")
    assert resolve({}).baseline == str(tmp_path / "known.json")
    assert resolve({"baseline": "mine.json"}).baseline == "mine.json"

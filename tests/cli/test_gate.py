"""The gate as a CI uses it: several reports of one run, baselines, configuration, and what can go wrong with each."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from modeldoctor.config import FILE_KEYS, FLAG_KEYS, KEYS
from modeldoctor.reporters.formats import MACHINE
from tests.cli.command import Command
from tests.reporters.sarif_form import valid
from tests.reporters.test_json import SCHEMA

EVERY = ["terminal", "plain", *MACHINE]
DOCS = Path(__file__).parent.parent.parent / "docs"
CONFIG_SCHEMA = json.loads(
    (Path(sys.modules["modeldoctor"].__file__ or "").parent / "schemas" / "config-v1.json").read_text(encoding="utf-8")
)


def parsed(text: str, name: str) -> Any:
    """The output in a format that programs read, after holding it against what it has to be."""
    if name == "json":
        document = json.loads(text)
        jsonschema.validate(document, SCHEMA)
        return document
    if name == "sarif":
        return valid(text)
    if name == "gitlab":
        return json.loads(text)
    return ET.fromstring(text) if name == "junit" else text


def config(text: str) -> None:
    Path("modeldoctor.toml").write_text(text, encoding="utf-8")


# --------------------------------------------------------------------------- one run, many formats


def test_one_run_writes_any_number_of_reports(made_up: Command) -> None:
    files = [f"{name}=out.{name}" for name in (*MACHINE, "plain")]
    outcome = made_up("check", "bad.pt", *(part for file in files for part in ("--report", file)))
    assert outcome.code == 1
    assert "\nbad.pt: understood" in outcome.out
    for name in MACHINE:
        written = Path(f"out.{name}").read_text(encoding="utf-8")
        parsed(written, name)
        assert written == made_up("check", "bad.pt", "--format", name).out
    assert Path("out.plain").read_text(encoding="utf-8") == outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--report", "sarif"], "must be FORMAT=PATH"),
        (["--report", "serif=x"], "there is no format `serif`; did you mean `sarif`?"),
        (["--report", "json=missing/x.json"], "cannot write the report missing/x.json: No such file or directory"),
        (["--report", "json=a\0b"], "cannot write the report"),
        (["--write-baseline"], "need `--baseline FILE`"),
        (["--baseline", "missing.json"], "cannot read the baseline missing.json"),
        (["--as-of", "tomorrow"], "--as-of must be a day such as 2026-12-31"),
    ],
)
def test_what_cannot_be_done_is_said(made_up: Command, arguments: list[str], message: str) -> None:
    for name in ("plain", "sarif"):
        outcome = made_up("check", "bad.pt", *arguments, "--format", name)
        assert outcome.code == 2
        assert message in (outcome.err if name == "plain" else outcome.out)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(made_up: Command) -> None:
    Path("sealed").mkdir(mode=0o500)
    outcome = made_up("check", "good.pt", "--report", "sarif=sealed/x.sarif", "--report", "json=ok.json")
    assert outcome.code == 2
    assert json.loads(Path("ok.json").read_text(encoding="utf-8"))["summary"]["exit_code"] == 2


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.pt"], 0),
        (["bad.pt"], 1),
        (["junk.bin", "model.onnx"], 0),
        (["crash.pt", "bad.pt"], 2),
        (["missing.pt"], 2),
        ([], 2),
        (["bad.pt", "--config", "broken.toml"], 2),
        (["bad.pt", "--nonsense"], 2),
        (["bad.pt", "--select", "MDR9x"], 2),
    ],
)
def test_every_path_is_valid_and_the_code_is_the_same(
    made_up: Command, name: str, arguments: list[str], code: int
) -> None:
    Path("broken.toml").write_text("fail-on = \n", encoding="utf-8")
    outcome = made_up("check", *arguments, "--format", name, "--report", "sarif=out.sarif", "--report=json=out.json")
    assert outcome.code == code
    assert "\x1b" not in outcome.out
    parsed(outcome.out, name)
    log = parsed(Path("out.sarif").read_text(encoding="utf-8"), "sarif")
    assert log["runs"][0]["invocations"][0]["exitCode"] == code
    document = parsed(Path("out.json").read_text(encoding="utf-8"), "json")
    assert (document["summary"]["exit_code"], bool(document["errors"])) == (code, code == 2)
    if name in MACHINE:
        assert outcome.err == ""


@pytest.mark.parametrize("columns", ["60", "80", "120", "200"])
def test_only_a_terminal_report_depends_on_the_width(
    made_up: Command, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    plain = [made_up("check", "bad.pt", "--format", name).out for name in ("plain", *MACHINE)]
    monkeypatch.setenv("COLUMNS", columns)
    assert [made_up("check", "bad.pt", "--format", name).out for name in ("plain", *MACHINE)] == plain
    rows = made_up("check", "bad.pt", "--format", "terminal").out.splitlines()
    assert max(map(len, rows)) <= int(columns)


@pytest.mark.parametrize("variable", ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"])
def test_colours_are_for_people_only(made_up: Command, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")
    for name in ("plain", *MACHINE):
        assert "\x1b" not in made_up("check", "bad.pt", "--format", name, "--color", "always").out


def test_paths_of_platforms_begin_at_the_root_of_the_repository(
    made_up: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)
    root = Path.cwd()
    (root / ".git").mkdir()
    (root / "svc").mkdir()
    (root / "svc" / "bad.pt").write_bytes(b"x")
    monkeypatch.chdir(root / "svc")
    assert "file=svc/bad.pt," in made_up("check", "bad.pt", "--format", "github").out
    assert json.loads(made_up("check", "bad.pt", "--format", "gitlab").out)[0]["location"]["path"] == "svc/bad.pt"
    (root / ".git").rmdir()
    assert "file=bad.pt," in made_up("check", "bad.pt", "--format", "github").out
    monkeypatch.setenv("GITHUB_WORKSPACE", str(root.parent))
    assert f"file={root.name}/svc/bad.pt," in made_up("check", "bad.pt", "--format", "github").out
    assert "\nbad.pt: " in made_up("check", "bad.pt").out


def test_the_category_names_the_run_in_sarif(made_up: Command) -> None:
    for arguments in (["good.pt"], ["good.pt", "--nonsense"]):
        text = made_up("check", *arguments, "--format=sarif", "--category", "modeldoctor/shop").out
        assert valid(text)["runs"][0]["automationDetails"]["id"] == "modeldoctor/shop/"


# --------------------------------------------------------------------------- a team adopts it


def test_the_life_of_a_gate(made_up: Command) -> None:
    baseline = ["--baseline", "known.json"]
    for name in EVERY:
        assert made_up("check", ".", "--format", name, "--ignore", "ALL", "--extend-select", "cut").code in {1, 2}
    Path("crash.pt").unlink()
    assert made_up("check", ".").code == 1
    wrote = made_up("check", ".", *baseline, "--write-baseline")
    assert (wrote.code, wrote.err) == (0, "note: wrote 3 findings to known.json\n")
    for name in EVERY:
        outcome = made_up("check", ".", *baseline, "--format", name)
        assert outcome.code == 0, name
    document = parsed(made_up("check", ".", *baseline, "--format", "json").out, "json")
    assert (document["summary"]["suppressed"], document["summary"]["baselined"]) == (3, 3)
    assert document["findings"][0]["suppressed"] == {"kind": "baseline", "source": "known.json"}
    assert "3 suppressed (3 by the baseline)" in made_up("check", ".", *baseline).out

    os.makedirs("new")
    Path("new/bad.pt").write_bytes(b"x")
    assert made_up("check", ".", *baseline).code == 0, "the made-up rules are about other paths"
    config('severity = { full-model = "error" }\nbaseline = "known.json"\n')
    assert made_up("check", ".").code == 0

    Path("odd.pt").unlink()
    stale = made_up("check", ".")
    assert "known.json:" in stale.out
    assert "`odd.pt` has no MDR201 any more" in stale.out
    pruned = made_up("check", ".", "--prune-baseline")
    assert (pruned.code, pruned.err) == (0, "note: took 1 entry out of known.json\n")
    assert "MDR905" not in made_up("check", ".").out


def test_an_unfinished_run_changes_no_baseline(made_up: Command) -> None:
    outcome = made_up("check", ".", "--baseline", "known.json", "--write-baseline")
    assert outcome.code == 2
    assert not Path("known.json").exists()


def test_an_expired_suppression_fails(made_up: Command) -> None:
    config('[[suppress]]\npath = "bad.pt"\ncodes = ["cut"]\nuntil = 2026-06-30\nreason = "ticket 8"\n')
    assert made_up("check", "bad.pt", "--as-of", "2026-06-01").code == 0
    for name in EVERY:
        assert made_up("check", "bad.pt", "--as-of", "2026-06-30", "--format", name).code == 0
        outcome = made_up("check", "bad.pt", "--as-of", "2026-07-01", "--format", name)
        assert outcome.code == 1
        assert "cut" in outcome.out


def test_suppressed_findings_are_counted_and_listed(made_up: Command) -> None:
    config('[[suppress]]\npath = "bad.pt"\ncodes = ["cut"]\nreason = "ticket 8"\n')
    assert "1 suppressed" in made_up("check", "bad.pt").out
    assert "1 suppressed" in made_up("check", "bad.pt", "--format", "terminal").out
    for name in ("plain", "terminal"):
        assert "(modeldoctor.toml:1: ticket 8)" in made_up("check", "bad.pt", "--format", name, "-v").out
    document = parsed(made_up("check", "bad.pt", "--format", "json").out, "json")
    assert [item["suppressed"] for item in document["findings"]] == [
        {"kind": "config", "source": "modeldoctor.toml:1", "reason": "ticket 8"}, None
    ]  # fmt: skip
    run = valid(made_up("check", "bad.pt", "--format", "sarif").out)["runs"][0]
    assert ["suppressions" in item for item in run["results"]] == [True, False]


# --------------------------------------------------------------------------- configuration


def test_config_shows_what_is_in_force_and_where_from(made_up: Command) -> None:
    Path("house.toml").write_text('fail-on = "never"\nignore = ["MDR2"]\n', encoding="utf-8")
    config('extend = "house.toml"\nignore = ["cut"]\n[[suppress]]\npath = "a"\ncodes = ["cut"]\nreason = "b"\n')
    text = made_up("config").out
    assert text.startswith("configuration  modeldoctor.toml extends house.toml\n")
    assert re.search(r"^fail-on +never  \(house.toml:1\)$", text, re.MULTILINE)
    assert re.search(r"^ignore +MDR2, cut  \(house.toml:2, modeldoctor.toml:2\)$", text, re.MULTILINE)
    assert re.search(r"^suppress +path: a, codes: cut, reason: b  \(modeldoctor.toml:3\)$", text, re.MULTILINE)
    assert re.search(r"^min-severity +info  \(default\)$", text, re.MULTILINE)
    document = json.loads(made_up("config", "--format", "json").out)
    assert document["settings"]["fail-on"] == {"value": "never", "source": "house.toml:1"}
    assert document["settings"]["suppress"]["value"] == [{"path": "a", "codes": ["cut"], "reason": "b"}]
    assert made_up("config", "--no-config").out.startswith("configuration  none\n")
    assert made_up("config", "--config", "nowhere.toml").code == 2
    assert json.loads(made_up("config", "--format", "schema").out) == CONFIG_SCHEMA


def test_the_schema_and_the_page_know_every_key() -> None:
    keys = {*KEYS, *FILE_KEYS} - FLAG_KEYS
    assert set(CONFIG_SCHEMA["properties"]) == keys
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []


@pytest.mark.parametrize(
    "text",
    [
        'select = ["MDR1"]\nfail-on = "warning"\nseverity = { MDR2 = "info" }\n',
        'per-path."a/**" = { ignore = ["MDR1"], select = ["MDR2"] }\nexclude = ["x"]\n',
        '[[suppress]]\npath = "a"\ncodes = ["MDR1"]\nreason = "b"\nuntil = "2026-01-01"\n',
        'gpu = ["t4"]\ncuda = "cpu"\npreview = true\nbaseline = "b.json"\n',
    ],
)
def test_the_schema_accepts_what_the_tool_accepts(made_up: Command, text: str) -> None:
    import tomllib

    jsonschema.validate(tomllib.loads(text), CONFIG_SCHEMA)
    config(text)
    assert made_up("config").code == 0


@pytest.mark.parametrize(
    "text",
    [
        'fail-on = "fatal"\n',
        "select = [1]\n",
        'severity = { MDR2 = "fatal" }\n',
        'per-path."a" = { ignor = ["MDR1"] }\n',
        '[[suppress]]\npath = "a"\ncodes = ["MDR1"]\n',
        "nonsense = true\n",
        'as-of = "2026-01-01"\n',
    ],
)
def test_the_schema_refuses_what_the_tool_refuses(made_up: Command, text: str) -> None:
    import tomllib

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(text), CONFIG_SCHEMA)
    config(text)
    assert made_up("config").code == 2

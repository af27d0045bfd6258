"""Rules of other distributions: an example plugin as it would be installed."""

import json
import os
import subprocess
import sys
from html import unescape
from pathlib import Path

import jsonschema
import pytest

from tests.reporters.sarif_form import valid
from tests.reporters.test_json import SCHEMA

FIXTURE = Path(__file__).parent.parent / "fixtures" / "checkpoints" / "state_dict.pt"

PLUGIN = '''
"""A house rule."""

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import rule


@rule(Checkpoint, code="SHOP1", slug="name-without-version", severity=Severity.ERROR, since="1.0",
      summary="the file name carries no version")
def name_without_version(checkpoint, context):
    """Our model files carry their version.

    ## What it finds
    Names without `-v` and a number.
    """
    if "-v" not in checkpoint.path:
        yield Hit("the name carries no version", fix="call it `model-v1.pt`")
'''
CRASHING = PLUGIN.replace(
    'if "-v" not in checkpoint.path:', 'if checkpoint.path:\n        raise KeyError("\\x1b[31m%0A::error::x")'
)


def install(folder: Path, source: str, name: str = "shop_rules") -> Path:
    """A `site-packages` with one distribution, as an installer leaves it."""
    site = folder / "site-packages"
    metadata = site / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[modeldoctor.rules]\nshop = {name}\n", encoding="utf-8")
    (site / f"{name}.py").write_text(source, encoding="utf-8")
    return site


def run(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "modeldoctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=cwd or site)


def test_a_plugin_is_found_run_listed_and_explained(tmp_path: Path) -> None:
    site = install(tmp_path, PLUGIN)
    done = run(site, "check", str(FIXTURE), "--format", "sarif")
    assert done.returncode == 1, done.stdout
    log = valid(done.stdout)
    assert [item["ruleId"] for item in log["runs"][0]["results"]] == ["SHOP1"]
    assert "helpUri" not in log["runs"][0]["tool"]["driver"]["rules"][0]
    assert run(site, "check", str(FIXTURE), "--ignore", "name-without-version").returncode == 0
    listed = json.loads(run(site, "rules", "SHOP", "--format", "json").stdout)["rules"]
    assert [(item["code"], item["url"]) for item in listed] == [("SHOP1", "")]
    assert "Names without `-v` and a number." in run(site, "explain", "SHOP1").stdout
    found = json.loads(run(site, "check", str(FIXTURE), "--format", "json").stdout)
    jsonschema.validate(found, SCHEMA)


@pytest.mark.parametrize("name", ["plain", "terminal", "json", "sarif", "github", "gitlab", "junit", "markdown"])
def test_a_rule_that_crashes_makes_2_in_every_format(tmp_path: Path, name: str) -> None:
    site = install(tmp_path, CRASHING)
    done = run(site, "check", str(FIXTURE), "--format", name)
    assert done.returncode == 2
    assert "rule SHOP1 name-without-version crashed: KeyError" in (
        done.stderr if name in {"plain", "terminal"} else unescape(done.stdout)
    )
    assert "\x1b" not in done.stdout + done.stderr
    assert "\n::error::x" not in done.stdout
    if name == "json":
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA)
        assert document["errors"][0]["code"] == "SHOP1"
    if name == "sarif":
        invocation = valid(done.stdout)["runs"][0]["invocations"][0]
        assert invocation["executionSuccessful"] is False
        assert invocation["toolExecutionNotifications"][0]["associatedRule"] == {"id": "SHOP1"}
    if name == "gitlab":
        assert json.loads(done.stdout)[0]["severity"] == "blocker"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('no')", "the plugin `shop` cannot be loaded: RuntimeError: no"),
        (PLUGIN.replace("SHOP1", "MDR101"), "declares rule MDR101, but codes of plugins are"),
        (PLUGIN.replace("name-without-version", "Name"), "but `Name` is no slug"),
    ],
)
def test_a_broken_plugin_is_named_and_the_check_goes_on(tmp_path: Path, source: str, message: str) -> None:
    done = run(install(tmp_path, source), "check", str(FIXTURE), "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert message in document["errors"][0]["message"]
    assert len(document["targets"]) == 1


def test_the_folder_that_is_examined_is_no_plugin(tmp_path: Path) -> None:
    """Neither the working directory nor what lies in it is looked through for rules."""
    site = install(tmp_path, "import os; os._exit(77)")
    os.rename(site, tmp_path / "models")
    done = run(tmp_path / "none", "check", str(FIXTURE), cwd=tmp_path / "models")
    assert done.returncode == 0, done.stderr


def test_without_plugins_their_machinery_is_not_imported(tmp_path: Path) -> None:
    code = "import sys, modeldoctor.rules as r; r.all_rules(); sys.exit('importlib.metadata' in sys.modules)"
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False, cwd=tmp_path).returncode == 0

"""What others run: the action's steps, the pre-commit hooks, the image, and the commands in the documentation."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from modeldoctor.cli.check import app
from modeldoctor.cli.config import app as config_app
from tests.reporters.sarif_form import valid

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures" / "checkpoints"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"] if "id" in step}
HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}

posix = pytest.mark.skipif(os.name == "nt", reason="the steps are bash")


def step(name: str, folder: Path, **inputs: str) -> tuple[int, str, dict[str, str]]:
    """Run a step as the runner does: its script in bash, the inputs in its environment; code, log and outputs."""
    temporary, output, summary = folder / "temp", folder / "output", folder / "summary.md"
    temporary.mkdir(exist_ok=True)
    output.write_text("", encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key not in {"CI_PROJECT_DIR", "PIP_INDEX_URL"}}
    environment |= {
        "RUNNER_TEMP": str(temporary), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary),
        "GITHUB_WORKSPACE": str(folder), "GITHUB_ACTION_PATH": str(ROOT), **inputs,
    }  # fmt: skip
    for key in STEPS[name].get("env", {}):
        environment.setdefault(key, "")
    where = folder / inputs.get("FOLDER", ".")
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=where, env=environment)
    outputs = dict(line.split("=", 1) for line in output.read_text(encoding="utf-8").splitlines())
    return done.returncode, done.stdout + done.stderr, outputs


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with two services, and the command where the action installs it."""
    for service, model in (("good", "state_dict.pt"), ("sick", "full_model.pt")):
        folder = tmp_path / "services" / service
        folder.mkdir(parents=True)
        (folder / model).write_bytes((FIXTURES / model).read_bytes())
    (tmp_path / ".git").mkdir()
    installed = tmp_path / "temp" / "modeldoctor" / "bin"
    installed.mkdir(parents=True)
    command = installed / "modeldoctor"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modeldoctor "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


@posix
def test_the_action_annotates_reports_and_hands_on_the_code(workspace: Path) -> None:
    code, log, outputs = step(
        "check", workspace, PATHS=".", FOLDER="./services/sick", OPTIONS="--fail-on=warning\n\n  --torch=2.6.0  \n",
        SUMMARY="true",
    )  # fmt: skip
    assert (code, outputs["exit-code"]) == (0, "1"), log
    assert "::warning file=services/sick/full_model.pt,line=1,title=MDR201 full-model-pickle::" in log
    assert outputs["category"] == "modeldoctor/services/sick"
    run = valid(Path(outputs["sarif"]).read_text(encoding="utf-8"))["runs"][0]
    assert run["automationDetails"]["id"] == "modeldoctor/services/sick/"
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "services/sick/full_model.pt"
    assert (workspace / "summary.md").read_text(encoding="utf-8").startswith("## modeldoctor: failing\n")
    assert step("verdict", workspace, CODE=outputs["exit-code"])[0] == 1


@posix
def test_the_action_passes_and_fails_as_the_command_does(workspace: Path) -> None:
    _, _, outputs = step("check", workspace, PATHS="services/good\n", FOLDER=".", SUMMARY="false", CATEGORY="mine")
    assert (outputs["exit-code"], outputs["category"]) == ("0", "mine")
    assert not (workspace / "summary.md").exists()
    assert step("verdict", workspace, CODE="0")[0] == 0
    code, log, outputs = step(
        "check", workspace, PATHS="missing $(touch pwned)\n; touch pwned", FOLDER=".", SUMMARY="true"
    )
    assert (code, outputs["exit-code"]) == (0, "2")
    assert "::error title=modeldoctor::no such file or folder: `missing $(touch pwned)`" in log
    assert not (workspace / "pwned").exists()
    log = valid(Path(outputs["sarif"]).read_text(encoding="utf-8"))
    assert log["runs"][0]["invocations"][0]["executionSuccessful"] is False


@posix
@pytest.mark.parametrize(
    ("package", "index", "expected"),
    [
        ("", "", f"- install --quiet --disable-pip-version-check {ROOT}"),
        ("torch-modeldoctor==0.1.0", "https://i.example/simple",
         "https://i.example/simple install --quiet --disable-pip-version-check torch-modeldoctor==0.1.0"),
    ],
)  # fmt: skip
def test_the_action_installs_from_where_it_is_told(tmp_path: Path, package: str, index: str, expected: str) -> None:
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\necho "${PIP_INDEX_URL:--} $*"\\n\' > "$3/bin/pip"\nchmod +x "$3/bin/pip"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    code, log, _ = step("install", tmp_path, PYTHON=str(python), PACKAGE=package, INDEX_URL=index)
    assert (code, log.strip()) == (0, expected)


def test_no_input_of_the_action_is_pasted_into_a_script() -> None:
    for each in ACTION["runs"]["steps"]:
        assert "${{" not in each.get("run", "")
    named = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text(encoding="utf-8")))
    assert named == set(ACTION["inputs"])
    upload = next(each for each in ACTION["runs"]["steps"] if "upload-sarif" in each.get("uses", ""))
    assert upload["continue-on-error"] is True


# --------------------------------------------------------------------------- pre-commit


def options_of(application: typer.Typer) -> set[str]:
    command: Any = typer.main.get_command(application)
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_call_the_command_with_options_that_it_has(name: str) -> None:
    words = shlex.split(HOOKS[name]["entry"])
    assert words[:2] == ["modeldoctor", "check"]
    assert {word for word in words if word.startswith("--")} <= options_of(app)
    assert HOOKS[name]["language"] == "python"


def test_what_the_hooks_look_at() -> None:
    source, models = (re.compile(HOOKS[name]["files"]) for name in ("modeldoctor", "modeldoctor-models"))
    assert HOOKS["modeldoctor"]["pass_filenames"] is False
    for path in ("shop/views.py", "requirements-prod.txt", "a/Dockerfile.gpu", "pyproject.toml", "config.properties"):
        assert source.search(path), path
        assert not models.search(path), path
    for path in ("model.pt", "a/MODEL.PTH", "x.safetensors", "s.mar"):
        assert models.search(path), path
    assert not models.search("a.pt.md")


def test_the_entry_of_the_source_hook_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", *shlex.split(HOOKS["modeldoctor"]["entry"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


# --------------------------------------------------------------------------- documentation and image

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_recipes_are_valid_and_name_options_that_exist(path: Path) -> None:
    for text in blocks(path, "yaml"):
        assert yaml.safe_load(text)
    known = options_of(app) | options_of(config_app)
    for text in blocks(path, "sh") + blocks(path, "yaml") + blocks(path, "groovy") + blocks(path, "make"):
        for line in text.splitlines():
            used = re.search(r"modeldoctor (check|config) ([^'\"#&>]*)", line)
            if used:
                assert set(re.findall(r"--[a-z][\w-]*", used[2])) <= known, line


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8")):
        if not target.startswith("http") and target != "docs/speed.md":
            assert (path.parent / target).exists(), target


def test_configurations_in_the_documentation_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tomllib

    import jsonschema

    schema = json.loads((ROOT / "src/modeldoctor/schemas/config-v1.json").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    found = [text for path in DOCUMENTS for text in blocks(path, "toml")]
    tables = [tomllib.loads(text).get("tool", {}).get("modeldoctor") for text in found]
    assert sum(table is not None for table in tables) >= 3
    for table in tables:
        if table is not None and (table.keys() - {"suppress"} or "reason" in table["suppress"][0]):
            # TOML has dates, JSON has texts for them.
            jsonschema.validate(json.loads(json.dumps(table, default=str)), schema)


def test_the_image_copies_what_the_build_needs() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for words in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for word in words.split():
            assert (ROOT / word).exists(), word
    assert re.search(r"^USER \d+", text, re.MULTILINE), "it reads hostile files: not as root"


def test_shells_can_complete(tmp_path: Path) -> None:
    for shell in ("bash", "zsh", "fish"):
        environment = {**os.environ, "_MODELDOCTOR_COMPLETE": f"source_{shell}"}
        command = [sys.executable, "-c", "from modeldoctor.cli import main; main()"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
        assert "modeldoctor" in done.stdout, shell

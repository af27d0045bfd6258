"""Whole little projects with a model in them: what the target is, how the model is loaded, and what is said."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from modeldoctor import cli
from modeldoctor.facts.environment import Target
from modeldoctor.joins import _loads_everywhere
from modeldoctor.predict.load import MODES, matrix
from modeldoctor.predict.load.explain import fits
from modeldoctor.predict.load.selection import known_releases
from modeldoctor.predict.verdict import verdict
from modeldoctor.readers.checkpoint import read_checkpoint

SAMPLES = Path(__file__).parents[1] / "fixtures" / "checkpoints"
LOAD = 'import torch\n\nmodel = torch.load("model.pt"{})\n'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
        monkeypatch.delenv(name, raising=False)


def project(root: str = "p", model: str = "full_model.pt", **files: str) -> None:
    """A folder with the model and its code; `files` by name, `__` for `/`, `_DOT_` for `.`."""
    folder = Path(root)
    (folder / "shop").mkdir(parents=True)
    shutil.copy(SAMPLES / model, folder / f"model{Path(model).suffix}")
    (folder / "shop" / "__init__.py").touch()
    shutil.copy(SAMPLES / "shop" / "nets.py", folder / "shop" / "nets.py")
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def environment(root: str, python: str = "3.10", **packages: str) -> Path:
    """A virtual environment on disk, as far as its metadata goes."""
    site = Path(root) / "lib" / f"python{python}" / "site-packages"
    site.mkdir(parents=True)
    (Path(root) / "pyvenv.cfg").write_text(f"version = {python}.4\n")
    (Path(root) / "bin").mkdir()
    (Path(root) / "bin" / "python").touch()
    for name, version in packages.items():
        (site / f"{name}-{version}.dist-info").mkdir()
    return Path(root) / "bin" / "python"


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The report of `check` as JSON."""
    cli.run(["check", *arguments, "--format", "json"])
    return json.loads(capsys.readouterr().out)


def codes(report: Any, family: str = "MDR3") -> set[tuple[str, str]]:
    """The codes and severities of the findings."""
    return {(each["code"], each["severity"]) for each in report["findings"] if each["code"].startswith(family)}


# --------------------------------------------------------------------------- the target


def test_the_order_in_which_a_target_is_chosen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project(requirements_DOT_txt="torch==2.1.2\n", bare_DOT_md="")
    named = str(environment("named", torch="2.3.0"))
    environment("active", torch="2.4.0")
    monkeypatch.setenv("VIRTUAL_ENV", str(Path("active").resolve()))
    settings = Path("modeldoctor.toml")

    def torch(*arguments: str) -> tuple[str, str]:
        chosen = check(capsys, *arguments)["target_env"]["torch"]
        return chosen["value"], chosen["source"]

    assert torch("p/model.pt")[0] == "2.4.0"
    assert torch("p/model.pt", "--interpreter", named) == ("2.3.0", named)
    assert torch("p", "--interpreter", named) == ("2.1.2", "p/requirements.txt:1")
    settings.write_text('torch = "2.2.0"\n')
    assert torch("p", "--interpreter", named)[0] == "2.2.0"
    assert torch("p", "--torch", "2.6.0", "--interpreter", named) == ("2.6.0", "--torch")


def test_a_project_that_leaves_torch_open_takes_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project(requirements_DOT_txt="torch>=2.0\n")
    environment("p/.venv", torch="2.3.1")
    assert check(capsys, "p")["target_env"]["torch"]["value"] == "2.3.1"
    monkeypatch.chdir("p")
    assert check(capsys, "model.pt")["target_env"]["torch"]["value"] == "2.3.1"


def test_the_environment_of_the_tool_is_never_the_target(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project()
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert check(capsys, "p/model.pt")["target_env"]["torch"] is None


@pytest.mark.parametrize("format_", ["terminal", "plain", "markdown"])
def test_the_choice_comes_first_in_reports_for_people(capsys: pytest.CaptureFixture[str], format_: str) -> None:
    project(
        requirements_DOT_txt="torch==2.6.0\n", Dockerfile="FROM python:3.11-slim\nRUN pip install -r requirements.txt\n"
    )
    for shown in ("p", "p/model.pt"):
        cli.run(["check", shown, "--project", "p", "--format", format_])
        out = capsys.readouterr().out.replace("&#58;", ":")
        first = " ".join(out.split("\n\n")[0 if format_ != "markdown" else 2].split())
        assert first.startswith(("target", "> target"))
        assert "torch 2.6.0, CUDA 12.4 (p/requirements.txt:1), Python 3.11 (p/Dockerfile:1)" in first.replace(
            "&#40;", "("
        ).replace("&#41;", ")")


def test_each_project_of_a_run_has_its_own_target(capsys: pytest.CaptureFixture[str]) -> None:
    project("old", requirements_DOT_txt="torch==2.1.2\n")
    project("new", requirements_DOT_txt="torch==2.6.0\n")
    report = check(capsys, "old", "new")
    assert [each["location"]["path"] for each in report["findings"] if each["code"] == "MDR302"] == ["new/model.pt"]
    cli.run(["check", "old", "new", "--format", "plain"])
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.startswith("target of old: torch 2.1.2, CUDA 12.1 (old/requirements.txt:1)")
    assert second.startswith("target of new: torch 2.6.0, CUDA 12.4 (new/requirements.txt:1)")


def test_processes_judge_for_the_project(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modeldoctor.parallel.MIN_UNITS", 2)
    project(requirements_DOT_txt="torch==2.6.0\n")
    for number in range(3):
        shutil.copy(SAMPLES / "full_model.pt", f"p/copy{number}.pt")
    alone, shared = check(capsys, "p", "--jobs", "1"), check(capsys, "p", "--jobs", "2")
    assert REFUSED in codes(shared)
    assert alone["findings"] == shared["findings"]
    assert alone["target_env"] == shared["target_env"]


def test_verbose_shows_what_lost(capsys: pytest.CaptureFixture[str]) -> None:
    project(requirements_DOT_txt="torch==2.1.2\n")
    cli.run(["check", "p", "--torch", "2.6.0", "--format", "plain", "-v"])
    assert "torch: 2.6.0 (--torch); not 2.1.2 (p/requirements.txt:1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--torch", "banana"], "--torch must be a release"),
        (["--gpu", "rtx-409"], "no GPU is called `rtx-409`; did you mean `rtx-4090`"),
        (["--driver", "new"], "`new` is no driver version"),
        (["--platform", "amiga"], "no platform is called `amiga`"),
        (["--cuda", "twelve"], "--cuda must be a version"),
        (["--python", "/usr/bin/python3"], "--python must be a version"),
        (["--python", "9"], "there is no Python 9"),
        (["--interpreter", "p/model.pt"], "no Python interpreter"),
        (["--interpreter", "nothing"], "no such interpreter"),
        (["--project", "nothing"], "no such project"),
    ],
)
def test_what_names_nothing_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    project()
    assert cli.run(["check", "p/model.pt", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_setting_that_names_nothing_is_shown_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    project()
    Path("modeldoctor.toml").write_text('\ngpu = ["q7"]\n')
    assert cli.run(["check", "p/model.pt"]) == 2
    assert "modeldoctor.toml:2: no GPU is called `q7`" in capsys.readouterr().err


def test_a_torch_newer_than_the_tables_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    project()
    report = check(capsys, "p/model.pt", "--torch", "9.0")
    assert not codes(report)
    assert any("tables reach from" in skip["reason"] for skip in report["skipped"])


def test_old_tables_are_said_once(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modeldoctor.predict.compat.age_days", lambda _: 200)
    project("a", requirements_DOT_txt="torch==2.6.0\n")
    project("b", requirements_DOT_txt="torch==2.6.0\n")
    said = [each for each in check(capsys, "a", "b")["findings"] if each["code"] == "MDR334"]
    assert [each["severity"] for each in said] == ["info"]
    assert [each["code"] for each in check(capsys, "a/model.pt", "--torch", "2.6")["findings"]].count("MDR334") == 1
    assert "MDR334" not in str(check(capsys, "a/model.pt")["findings"])


# --------------------------------------------------------------------------- the mode in force

REFUSED = ("MDR302", "error")


def judged(capsys: pytest.CaptureFixture[str], torch: str = "2.6.0", model: str = "full_model.pt", **files: str) -> Any:
    project(requirements_DOT_txt=f"torch=={torch}\n", model=model, **files)
    return check(capsys, "p")


def test_a_file_that_the_default_refuses_is_an_error_with_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    report = judged(capsys, app_DOT_py=LOAD.format(""))
    assert REFUSED in codes(report)
    message = next(each["message"] for each in report["findings"] if each["code"] == "MDR302")
    assert message.startswith("torch 2.6.0 (p/requirements.txt:1) refuses the file by default")


CURES = {
    "the argument": {"app_DOT_py": LOAD.format(", weights_only=False")},
    "another pickle module": {"app_DOT_py": "import dill\n" + LOAD.format(", pickle_module=dill")},
    "names allowed": {
        "app_DOT_py": "from shop import nets\nimport torch\n\n"
        "torch.serialization.add_safe_globals([nets.Net, torch.nn.Linear, torch.nn.Sequential, torch.nn.Conv2d, "
        "torch.nn.ReLU, torch.nn.BatchNorm2d, torch.nn.Dropout, torch.nn.Flatten, set])\n"
        'model = torch.load("model.pt")\n'
    },
    "the variable in the image": {
        "app_DOT_py": LOAD.format(""),
        "Dockerfile": "FROM python:3.11\nENV A=1 TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1\n",
    },
    "the variable in compose": {
        "app_DOT_py": LOAD.format(""),
        "compose_DOT_yaml": 'services:\n  web:\n    environment:\n      TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD: "true"\n',
    },
    "the variable in Kubernetes": {
        "app_DOT_py": LOAD.format(""),
        "k8s__web_DOT_yaml": "apiVersion: apps/v1\nkind: Deployment\nspec:\n  env:\n"
        "    - name: TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD\n      value: '1'\n",
    },
    "the variable in code": {
        "app_DOT_py": 'import os\nos.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"\n' + LOAD.format("")
    },
    "torch.load replaced": {
        "app_DOT_py": "import functools, torch\n"
        "torch.load = functools.partial(torch.load, weights_only=False)\n" + LOAD.format("")
    },
}


@pytest.mark.parametrize("files", CURES.values(), ids=CURES)
def test_a_project_that_cures_its_file_is_not_told_that_it_is_broken(
    capsys: pytest.CaptureFixture[str], files: dict[str, str]
) -> None:
    assert not codes(judged(capsys, **files), "MDR302")


def test_the_variable_in_the_shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    assert not codes(judged(capsys, app_DOT_py=LOAD.format("")), "MDR302")


NOT_CURED = {
    "an argument beats the variable that trusts": {
        "app_DOT_py": LOAD.format(", weights_only=True"),
        "Dockerfile": "FROM python:3.11\nENV TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1\n",
    },
    "the variable that distrusts beats an argument": {
        "app_DOT_py": LOAD.format(", weights_only=False"),
        "Dockerfile": "FROM python:3.11\nENV TORCH_FORCE_WEIGHTS_ONLY_LOAD 1\n",
    },
    "a variable that is off": {
        "app_DOT_py": LOAD.format(""),
        "Dockerfile": "FROM python:3.11\nENV TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=0\n",
    },
    "a variable in a comment": {
        "app_DOT_py": LOAD.format(""),
        "Dockerfile": "FROM python:3.11\n# ENV TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1\n",
    },
    "a variable of the tests": {
        "app_DOT_py": LOAD.format(""),
        "tests__test_it_DOT_py": 'import os\nos.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"\n',
    },
    "Kubernetes over the image": {
        "app_DOT_py": LOAD.format(""),
        "Dockerfile": "FROM python:3.11\nENV TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1\n",
        "web_DOT_yaml": "apiVersion: v1\nenv:\n- name: TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD\n  value: '0'\n",
    },
    "names allowed that do not suffice": {
        "app_DOT_py": "import torch\ntorch.serialization.add_safe_globals([torch.nn.Linear])\n" + LOAD.format("")
    },
    "another file loaded with trust": {
        "app_DOT_py": LOAD.format("") + 'other = torch.load("other.pt", weights_only=False)\n'
    },
}


@pytest.mark.parametrize("files", NOT_CURED.values(), ids=NOT_CURED)
def test_what_does_not_cure_it(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    assert REFUSED in codes(judged(capsys, **files))


OPEN = {
    "a computed argument": {"app_DOT_py": LOAD.format(", weights_only=SAFE")},
    "computed names": {"app_DOT_py": "import torch\ntorch.serialization.add_safe_globals(found())\n" + LOAD.format("")},
    "a replacement that nobody can see through": {
        "app_DOT_py": "import torch, patches\ntorch.load = patches.load\n" + LOAD.format("")
    },
}


@pytest.mark.parametrize("files", OPEN.values(), ids=OPEN)
def test_what_cannot_be_known_is_skipped_with_why(capsys: pytest.CaptureFixture[str], files: dict[str, str]) -> None:
    report = judged(capsys, **files)
    assert not codes(report, "MDR302")
    assert any(skip["code"] == "MDR302" and "depends on the code" in skip["reason"] for skip in report["skipped"])


def test_variables_that_exclude_each_other_stop_every_load(capsys: pytest.CaptureFixture[str]) -> None:
    image = "FROM python:3.11\nENV TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1 TORCH_FORCE_WEIGHTS_ONLY_LOAD=1\n"
    report = judged(capsys, app_DOT_py=LOAD.format(""), Dockerfile=image)
    message = next(each["message"] for each in report["findings"] if each["code"] == "MDR301")
    assert "exclude each other" in message
    assert "MDR302" not in str(report["findings"])


def test_without_a_target_it_is_one_warning_that_names_the_releases(capsys: pytest.CaptureFixture[str]) -> None:
    project(app_DOT_py=LOAD.format(""))
    found = [each for each in check(capsys, "p")["findings"] if each["code"].startswith("MDR30")]
    assert [(each["code"], each["severity"]) for each in found] == [("MDR302", "warning")]
    assert found[0]["message"].startswith("torch 2.6 – 2.15 refuse the file by default")


def test_without_a_target_a_cure_counts_too(capsys: pytest.CaptureFixture[str]) -> None:
    project(app_DOT_py=LOAD.format(", weights_only=False"))
    assert not codes(check(capsys, "p"), "MDR30")


def test_missing_information_is_skipped_with_why(capsys: pytest.CaptureFixture[str]) -> None:
    report = judged(capsys, app_DOT_py=LOAD.format(", weights_only=False"))
    reasons = {skip["code"]: skip["reason"] for skip in report["skipped"]}
    assert "gpu" in reasons["MDR314"]
    assert not codes(report, "MDR314")


def test_the_shards_of_a_model_are_judged_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"m/pytorch_model-0000{number}-of-00002.bin" for number in (1, 2)]
    Path("m").mkdir()
    shutil.copy(SAMPLES / "state_dict.pt", names[0])
    shutil.copy(SAMPLES / "training_numpy.pt", names[1])
    index = {"metadata": {}, "weight_map": {"a": Path(names[0]).name, "b": Path(names[1]).name}}
    Path("m/pytorch_model.bin.index.json").write_text(json.dumps(index))
    found = [each for each in check(capsys, "m", "--torch", "2.6.0")["findings"] if each["code"] == "MDR302"]
    assert [each["location"]["path"] for each in found] == [names[1]]
    cli.run(["inspect", "m", "--torch", "2.6.0", "--format", "json"])
    rows = json.loads(capsys.readouterr().out)["loads"]
    assert {row["class"] for row in rows if row["mode"] == "default"} == {"wo_unsupported_global"}


# --------------------------------------------------------------------------- code


def test_code_that_the_project_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    project(requirements_DOT_txt="torch==2.6.0\n", app_DOT_py=LOAD.format(", weights_only=False"))
    assert not codes(check(capsys, "p"), "MDR305")
    assert not codes(check(capsys, "p"), "MDR205")
    assert codes(check(capsys, "p/model.pt"), "MDR205")
    Path("p/shop/nets.py").write_text("import torch\n")
    assert ("MDR305", "error") in codes(check(capsys, "p"))
    assert not codes(check(capsys, "p"), "MDR301")


# --------------------------------------------------------------------------- targets


@pytest.mark.parametrize("name", ["setup.cfg", "gpu-requirements.txt", "install_deps.sh", "conda-lock.yml", "reqs.txt"])
def test_every_kind_of_manifest_is_a_project(capsys: pytest.CaptureFixture[str], name: str) -> None:
    Path("only").mkdir()
    (Path("only") / name).write_text("")
    assert not check(capsys, "only")["errors"]
    assert not check(capsys, f"only/{name}")["errors"]


# --------------------------------------------------------------------------- the shortcut


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.*")), ids=lambda path: path.name)
def test_what_is_taken_to_load_everywhere_does(path: Path) -> None:
    checkpoint = read_checkpoint(str(path), path.name)
    if not _loads_everywhere(checkpoint):
        return
    recent = [release for release in known_releases() if int(release[0]) > 1]
    # `mmap=` is an argument of newer releases, and a device that is not there is named by its own rule.
    modes = [mode for mode in MODES if fits(checkpoint, mode) and mode != "mmap"]
    assert modes
    outcomes = matrix(checkpoint, recent, modes, importable=(True, False), gpus=64)
    devices = {"device_unavailable", "wo_wrapped_device_unavailable"}
    assert {each.outcome_class for each in outcomes} <= {"ok", *devices}
    found = verdict(checkpoint, Target())
    assert found is None or all(change.outcome.outcome_class in devices for change in found.breaks)

"""Start-up is a feature: what each command may import, and how it behaves at the end of a pipe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modeldoctor.reporters.formats import MACHINE
from modeldoctor.rules import FAMILIES

FIXTURE = Path(__file__).parent.parent / "fixtures" / "checkpoints" / "state_dict.pt"
MAIN = "from modeldoctor.cli import main; main()"
MODULES = "import sys; from modeldoctor.cli import run; run(sys.argv[1:]); sys.stderr.write(' '.join(sys.modules))"
HEAVY = {
    "rich", "yaml", "numpy", "torch", "pydantic", "dataclasses", "logging", "zipfile", "tarfile", "tomllib", "packaging",
    "importlib.metadata", "importlib.resources", "argparse", "unittest", "asyncio", "http", "ssl",
}  # fmt: skip


def run(*arguments: str, code: str = MAIN, **environment: str) -> subprocess.CompletedProcess[bytes]:
    variables = {**os.environ, **environment}
    variables.pop("FORCE_COLOR", None)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, env=variables, check=False)


def modules(*arguments: str) -> set[str]:
    done = run(*arguments, code=MODULES)
    return set(done.stderr.decode().split())


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["rules"], ["rules", "--format", "json"], ["explain", "MDR101"],
     ["check", str(FIXTURE), "--format", "json"], ["check", str(FIXTURE), "--format", "plain"],
     ["check", str(FIXTURE)], ["inspect", str(FIXTURE)], ["inspect", str(FIXTURE), "--format", "json"]],
)  # fmt: skip
def test_nothing_heavy_is_imported(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # away from our own pyproject.toml, which mentions us
    loaded = modules(*arguments)
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded & HEAVY)


def test_a_terminal_report_needs_rich_and_little_of_it() -> None:
    loaded = modules("check", str(FIXTURE), "--format", "terminal", "--no-config")
    assert "rich.console" in loaded
    assert loaded.isdisjoint({"rich.table", "rich.panel", "rich.markdown", "rich.syntax", "rich.progress", "pygments"})
    assert loaded.isdisjoint(HEAVY - {"rich", "dataclasses", "logging"})


def test_only_the_module_of_the_command_is_imported() -> None:
    commands = {"modeldoctor.cli.check", "modeldoctor.cli.inspect", "modeldoctor.cli.rules", "modeldoctor.cli.explain"}
    assert modules("--version") & commands == set()
    assert modules("--help") & commands == set()
    assert modules("rules") & commands == {"modeldoctor.cli.rules"}
    assert not {name for name in modules("--version") if name.startswith("modeldoctor.")} - {
        "modeldoctor.cli", "modeldoctor.cli.app", "modeldoctor.cli.options", "modeldoctor.errors"
    }  # fmt: skip


def test_only_the_families_that_judge_the_target_are_imported() -> None:
    loaded = modules("check", str(FIXTURE), "--format", "json", "--no-config")
    families = {name.split(".")[2] for name in loaded if name.startswith("modeldoctor.rules.") and name.count(".") == 3}
    assert families <= set(FAMILIES["Checkpoint"])


def test_what_hides_and_reports_is_imported_only_when_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ours = {f"modeldoctor.{name}" for name in ("suppress", "comments", "baseline", "excerpts", "config_tables")}
    reporters = {f"modeldoctor.reporters.{name}" for name in ("sarif", "github", "gitlab", "junit", "markdown")}
    assert modules("check", str(FIXTURE)).isdisjoint(ours | reporters)
    assert modules("check", str(FIXTURE), "--format", "gitlab") & reporters == {"modeldoctor.reporters.gitlab"}


def test_no_posix_only_module_is_imported_by_us() -> None:
    """typer and the standard library guard theirs; ours are read as text."""
    source = Path(__file__).parent.parent / "src" / "modeldoctor"
    for file in source.rglob("*.py"):
        if "probe" in file.parts:
            continue
        words = file.read_text(encoding="utf-8")
        for name in ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty"):
            assert f"\nimport {name}\n" not in words, f"{file.name} imports {name}"
            assert f"\nfrom {name} " not in words, f"{file.name} imports {name}"


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "cp1252"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C"}],
)
@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["rules"], ["explain", "MDR101"], ["check", "{file}", "--format", "terminal"],
     ["check", "{file}"], ["inspect", "{file}", "-v"], ["check", "{file}", "--format", "json"], ["check", "nothing"],
     ["config"], *(["check", "{file}", "--format", name] for name in MACHINE[1:])],
)  # fmt: skip
def test_piped_with_a_poor_encoding(arguments: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mödel-模型.pt"
    file.write_bytes(FIXTURE.read_bytes())
    done = run(*(argument.format(file=file) for argument in arguments), **environment)
    assert done.returncode in {0, 2 if arguments[-1] == "nothing" else 0}
    assert b"Traceback" not in done.stderr
    assert done.stdout or done.stderr
    assert b"\x1b" not in done.stdout


@pytest.mark.parametrize("format_", ["plain", "json", "terminal", *MACHINE[1:]])
def test_a_reader_that_leaves_early(format_: str, tmp_path: Path) -> None:
    """`modeldoctor check … | head -1`: quiet, and the exit code still tells the verdict."""
    paths = []
    for number in range(60):
        paths.append(str(tmp_path / f"{'x' * 150}{number}.pt"))
        Path(paths[-1]).write_bytes(b"no model")
    command = [sys.executable, "-c", MAIN, "check", *paths, "--format", format_, "-v"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (1, b"")


@pytest.mark.parametrize("format_", MACHINE)
def test_two_runs_say_the_same(format_: str) -> None:
    folder = FIXTURE.parent
    paths = [str(folder / name) for name in ("dtypes.pt", "training.pt", "full_model.pt")]
    texts = {run("check", *paths, "--format", format_, PYTHONHASHSEED=seed).stdout for seed in ("1", "2", "3")}
    assert len(texts) == 1


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "modeldoctor", "--version"], capture_output=True, check=True)
    assert done.stdout.startswith(b"modeldoctor ")


def test_nothing_in_the_examined_folder_is_imported(tmp_path: Path) -> None:
    for name in ("typer", "click", "nt", "pathlib", "rich"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(77)\n", encoding="utf-8")
    command = [sys.executable, "-m", "modeldoctor", "check", str(FIXTURE), "--format", "terminal"]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_shells_can_ask_for_completions() -> None:
    assert (
        b"complete -o default -F _modeldoctor_completion modeldoctor" in run(_MODELDOCTOR_COMPLETE="source_bash").stdout
    )
    words = {"COMP_WORDS": "modeldoctor ch", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "modeldoctor ch"}
    assert run(_MODELDOCTOR_COMPLETE="complete_bash", **words).stdout.split() == [b"check"]


@pytest.mark.skipif(os.name == "nt", reason="a shell of the POSIX kind closes it")
def test_closed_standard_streams() -> None:
    command = f'"{sys.executable}" -c "{MAIN}" check "{FIXTURE}" >&- 2>&-'
    assert subprocess.run(command, shell=True, check=False).returncode == 0


def test_interrupted() -> None:
    code = "import modeldoctor.cli as c\ndef stop(_): raise KeyboardInterrupt\nc.run = stop\nc.main()"
    done = run(code=code)
    assert (done.returncode, done.stderr) == (130, b"")

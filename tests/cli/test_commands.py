"""The commands around `check`, and what is said when something is wrong with the command line."""

import json
from pathlib import Path

import pytest

import modeldoctor as package
from modeldoctor.cli.app import COMMANDS
from tests.cli.command import Command


def test_version_and_help(modeldoctor: Command) -> None:
    assert modeldoctor("--version") == (0, f"modeldoctor {package.__version__}\n", "")
    outcome = modeldoctor("--help")
    assert outcome.code == 0
    assert all(f"  {name} " in outcome.out and text in outcome.out for name, text in COMMANDS.items())
    assert modeldoctor("-h").out == outcome.out
    nothing = modeldoctor()
    assert (nothing.code, nothing.out) == (2, "")
    assert "Usage: modeldoctor" in nothing.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(modeldoctor: Command, name: str) -> None:
    outcome = modeldoctor(name, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert f"Usage: modeldoctor {name} " in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["chek", "x"], "error: `chek` is no command; did you mean `check`?", "modeldoctor --help"),
        (
            ["good.pt"],
            "error: `good.pt` is no command; did you mean `modeldoctor check good.pt`?",
            "modeldoctor --help",
        ),
        (["a\x1b[2J"], "error: `a\\x1b[2J` is no command", "modeldoctor --help"),
        (["check"], "error: missing argument 'TARGET...'", "modeldoctor check --help"),
        (["check", "x", "--formt", "json"], "error: no such option", "modeldoctor check --help"),
        (["check", "x", "--format", "xml"], "error: invalid value for '--format': 'xml' is not", "check --help"),
        (["check", "x", "--fail-on"], "error: option '--fail-on' requires an argument", "check --help"),
        (["explain"], "error: missing argument 'CODE'", "modeldoctor explain --help"),
        (["explain", "cutt"], "error: no rule is called `cutt`; did you mean `cut`?", "modeldoctor explain --help"),
        (["rules", "MDR7"], "error: no rule is called `MDR7`", "modeldoctor rules --help"),
        (["inspect", "nothing.pt"], "error: no such file or folder: `nothing.pt`", "modeldoctor inspect --help"),
        (["inspect", "good.pt", "--depth", "0"], "error: invalid value for '--depth': 0 is not", "inspect --help"),
        (["inspect", "good.pt", "--torch", "banana"], "error: `--torch banana` is no torch release", "inspect --help"),
        (["inspect", "good.pt", "--python", "x"], "error: `--python x` is no version", "inspect --help"),
        (["inspect", "good.pt", "--gpu", "t44"], "error: no GPU is called `t44`; did you mean `t4`", "inspect --help"),
        (["inspect", "crash.pt"], "error: internal error: KeyError: 'crash.pt'; please report it", "inspect --help"),
    ],
)
def test_one_line_and_a_hint(made_up: Command, arguments: list[str], message: str, hint: str) -> None:
    outcome = made_up(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    first, second = outcome.err.splitlines()
    assert first.startswith(message)
    assert second.startswith("hint:  ")
    assert hint in second


@pytest.mark.parametrize(
    ("arguments", "schema"),
    [
        (["--format", "json"], "report"),
        (["check", "--format=json"], "report"),
        (["check", "good.pt", "--format", "json", "--nonsense"], "report"),
        (["chek", "good.pt", "--format", "json"], "report"),
        (["inspect", "--format", "json"], "inspect"),
        (["inspect", "nothing.pt", "--format", "json"], "inspect"),
        (["inspect", "crash.pt", "--format", "json"], "inspect"),
        (["rules", "MDR7", "--format", "json"], "rules"),
        (["explain", "MDR7", "--format", "json"], "explain"),
    ],
)
def test_who_asks_for_json_gets_json(made_up: Command, arguments: list[str], schema: str) -> None:
    outcome = made_up(*arguments)
    assert (outcome.code, outcome.err) == (2, "")
    document = json.loads(outcome.out)
    assert document["schema"] == f"modeldoctor/{schema}/v1"
    assert document["errors"][0]["message"]


def test_a_traceback_is_shown_on_request(made_up: Command) -> None:
    assert "Traceback" in made_up("inspect", "crash.pt", "-vv").err
    assert "Traceback" in made_up("inspect", "crash.pt", "--verbose", "--verbose").err


def test_inspect(made_up: Command) -> None:
    outcome = made_up("inspect", "good.pt")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("good.pt  12.1 MB\n  format     torch.save zip, written by torch 2.1 to 2.3\n")
    document = json.loads(made_up("inspect", "good.pt", "--format", "json", "--sha256").out)
    assert (document["state"], document["sha256"]) == ("understood", "0" * 64)
    assert len(document["tensors"]) == 2
    assert "shares the storage of model.weight" in made_up("inspect", "good.pt", "--tensors").out
    assert "└─ weight" not in made_up("inspect", "good.pt", "--depth", "1").out
    terminal = made_up("inspect", "good.pt", "--format", "terminal", "--color", "always")
    assert "\x1b[1mgood.pt\x1b[0m" in terminal.out


@pytest.mark.parametrize("name", ["junk.bin", "model.onnx"])
def test_inspect_says_by_its_exit_code_what_it_did_not_understand(made_up: Command, name: str) -> None:
    assert made_up("inspect", name).code == made_up("inspect", name, "--format=json").code == 1


def test_rules(made_up: Command) -> None:
    outcome = made_up("rules")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[0] == "MDR101  cut         error    what cut is about"
    assert "MDR101" not in made_up("rules", "MDR2").out
    assert len(json.loads(made_up("rules", "--format", "json").out)["rules"]) == 2
    assert "\x1b[1;31merror" in made_up("rules", "--color", "always").out


def test_explain(made_up: Command) -> None:
    text = made_up("explain", "mdr201").out
    assert text.startswith("warning[MDR201] full-model\n")
    assert text == made_up("explain", "Full-Model").out
    assert made_up("explain", "cut", "--format", "markdown").out.startswith("# cut (MDR101)\n")
    assert json.loads(made_up("explain", "cut", "--format", "json").out)["rule"]["code"] == "MDR101"


def test_a_full_disk_is_said(made_up: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr("sys.stdout", full)
        outcome = made_up("rules")
        full.flush()
    assert outcome.code == 2
    assert "cannot write the output: No space left on device" in outcome.err

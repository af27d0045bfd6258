import io
import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.command import Command
from tests.reporters.test_json import SCHEMA


def report(text: str) -> Any:
    document = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    return document


@pytest.mark.parametrize("format_", ["plain", "json", "terminal"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.pt"], 0),
        (["bad.pt"], 1),
        (["bad.pt", "--exit-zero"], 0),
        (["bad.pt", "--fail-on", "never"], 0),
        (["bad.pt", "--ignore", "MDR1"], 0),
        (["bad.pt", "--select", "full-model"], 0),
        (["odd.pt"], 0),
        (["odd.pt", "--fail-on", "warning"], 1),
        (["odd.pt", "--fail-on=info", "--min-severity=error"], 1),
        (["model.onnx"], 0),
        (["good.pt", "bad.pt", "nothing.pt"], 2),
        (["crash.pt", "bad.pt"], 2),
        (["crash.pt", "--exit-zero"], 2),
        (["nothing*.pt"], 2),
        (["nothing*.pt", "--allow-empty"], 0),
        (["good.pt", "--torch", "banana"], 2),
        (["good.pt", "--select", "MDR9"], 2),
        (["good.pt", "--config", "nothing.toml"], 2),
        (["good.pt", "--min-severity", "loud"], 2),
        (["good.pt", "--no-such-option"], 2),
        ([], 2),
    ],
)
def test_the_exit_code_does_not_depend_on_the_format(
    made_up: Command, arguments: list[str], code: int, format_: str
) -> None:
    outcome = made_up("check", *arguments, "--format", format_)
    assert outcome.code == code
    assert "Traceback" not in outcome.out + outcome.err
    if format_ == "json":
        document = report(outcome.out)
        assert outcome.err == "" or code == 2
        assert document["summary"]["exit_code"] == code
        assert bool(document["errors"]) == (code == 2)
    elif code == 2:
        assert outcome.err.startswith("error: ")


def test_plain_is_what_a_pipe_gets(made_up: Command) -> None:
    _, *lines = made_up("check", "bad.pt").out.splitlines()
    assert lines[0].startswith("bad.pt: understood: torch.save zip, ")
    assert lines[1] == "bad.pt: error: MDR101 cut: it is cut (data.pkl at byte 2) [fix: download it]"
    assert lines[2] == "bad.pt: warning: MDR201 full-model: it pickles the model [fix: save the state_dict]"
    assert lines[3].startswith("Failing: 1 finding at or above --fail-on=error; ")
    assert len(lines) == 4


def test_a_terminal_gets_the_terminal_report(made_up: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    text = made_up("check", "bad.pt").out
    assert "\x1b[1;31merror[MDR101]\x1b[0m" in text
    assert "\x1b" not in made_up("check", "bad.pt", "--color", "never").out
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in made_up("check", "bad.pt").out


@pytest.mark.parametrize(
    ("environment", "option", "colored"),
    [
        ({}, "auto", False),  # not a terminal
        ({}, "always", True),
        ({"FORCE_COLOR": "1"}, "auto", True),
        ({"CLICOLOR_FORCE": "1"}, "auto", True),
        ({"FORCE_COLOR": "0"}, "auto", False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", False),
        ({"NO_COLOR": ""}, "always", True),
        ({"NO_COLOR": "1"}, "always", True),
        ({"FORCE_COLOR": "1"}, "never", False),
    ],
)
def test_color(
    made_up: Command, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], option: str, colored: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = made_up("check", "bad.pt", "--format", "terminal", "--color", option).out
    assert ("\x1b[" in text) is colored
    assert "\x1b" not in made_up("check", "bad.pt", "--format", "plain", "--color", option).out


def test_the_width_is_that_of_the_terminal(made_up: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, made_up("check", "bad.pt", "--format=terminal").out.splitlines())) <= 60


def test_lists_with_commas_and_repeated_options(made_up: Command) -> None:
    assert made_up("check", "bad.pt", "--ignore", "cut,MDR201").out.splitlines()[-1].startswith("Clean")
    assert made_up("check", "bad.pt", "--ignore", "cut", "--ignore", "MDR201").code == 0
    assert made_up("check", "bad.pt", "--ignore", "MDR1", "--extend-select", "MDR101").code == 1


def test_quiet_and_verbose(made_up: Command) -> None:
    assert made_up("check", "good.pt", "-q").out == ""
    assert made_up("check", "bad.pt", "-q").out.count("\n") == 2
    crash = made_up("check", "crash.pt", "-v")
    assert crash.err == "error: examining crash.pt crashed: KeyError: 'crash.pt'\n"
    assert "Traceback" in made_up("check", "crash.pt", "-vv").err


def test_configuration(made_up: Command) -> None:
    Path("modeldoctor.toml").write_text("ignore = ['cut']\ntorch = '2.6.0'\n", encoding="utf-8")
    document = report(made_up("check", "bad.pt", "--format", "json").out)
    assert document["summary"]["exit_code"] == 0
    assert document["target_env"]["torch"] == {"value": "2.6.0", "source": "modeldoctor.toml:2"}
    assert made_up("check", "bad.pt", "--no-config").code == 1
    Path("other.toml").write_text("ignor = []\n", encoding="utf-8")
    outcome = made_up("check", "bad.pt", "--config", "other.toml")
    assert outcome.err.startswith("error: other.toml:1: unknown key `ignor`; did you mean `ignore`?\nhint:  ")


def test_target_flags_reach_the_report(made_up: Command) -> None:
    arguments = [
        "--torch",
        "2.6",
        "--python",
        "3.11",
        "--cuda",
        "cu124",
        "--numpy",
        "2.1",
        "--gpu",
        "t4",
        "--gpu",
        "l4",
    ]
    document = report(made_up("check", "good.pt", "--format=json", *arguments).out)
    assert document["target_env"] == {
        "torch": {"value": "2.6", "source": "--torch"},
        "python": {"value": "3.11", "source": "--python"},
        "numpy": {"value": "2.1", "source": "--numpy"},
        "cuda": {"value": "12.4", "source": "--cuda"},
        "driver": None,
        "gpus": [{"value": "t4", "source": "--gpu"}, {"value": "l4", "source": "--gpu"}],
        "platform": None,
    }


def test_sha256(made_up: Command) -> None:
    (target,) = report(made_up("check", "good.pt", "--format=json", "--sha256").out)["targets"]
    assert target["sha256"] == "0" * 64
    assert report(made_up("check", "good.pt", "--format=json").out)["targets"][0]["sha256"] is None


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
@pytest.mark.parametrize("format_", ["plain", "terminal", "json"])
def test_any_encoding(made_up: Command, monkeypatch: pytest.MonkeyPatch, encoding: str, format_: str) -> None:
    Path("名é.pt").write_bytes(b"x")
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
    assert made_up("check", "名é.pt", "--format", format_).code == 0
    assert ("━" in raw.getvalue().decode(encoding)) == (encoding == "utf-8" and format_ == "terminal")

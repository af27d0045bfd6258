"""The command from end to end: real files, the real readers and rules."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.command import Command
from tests.reporters.test_json import SCHEMA

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "checkpoints"


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(FIXTURES / "state_dict.pt", "good.pt")
    shutil.copy(FIXTURES / "full_model.pt", "full.pt")
    Path("cut.pt").write_bytes((FIXTURES / "state_dict.pt").read_bytes()[:3000])
    Path("junk.pt").write_bytes(b"\0\1\2\3 no model")
    Path("other.gguf").write_bytes(b"GGUF\3\0\0\0" + bytes(16))
    Path("empty").mkdir()
    Path("walked").mkdir()
    Path("walked", "other.gguf").write_bytes(Path("other.gguf").read_bytes())
    shutil.copy("good.pt", "walked/good.pt")


def check(modeldoctor: Command, *arguments: str) -> tuple[int, Any]:
    outcome = modeldoctor("check", *arguments, "--format", "json")
    document = json.loads(outcome.out)
    jsonschema.validate(document, SCHEMA)
    assert document["summary"]["exit_code"] == outcome.code
    assert modeldoctor("check", *arguments).code == modeldoctor("check", *arguments, "--format=terminal").code
    return outcome.code, document


@pytest.mark.parametrize(
    ("arguments", "code", "states"),
    [
        (["good.pt"], 0, ["understood"]),
        (["full.pt"], 0, ["understood"]),
        (["full.pt", "--fail-on", "warning"], 1, ["understood"]),
        (["cut.pt"], 1, ["unreadable"]),
        (["junk.pt"], 1, ["not understood"]),
        (["other.gguf"], 0, ["not checked"]),
        (["other.gguf", "--strict"], 1, ["not checked"]),
        (["walked"], 0, ["understood", "not checked"]),
        (["walked", "--strict"], 1, ["understood", "not checked"]),
        (["g*.pt", "f*.pt"], 0, ["understood", "understood"]),
        (["empty"], 2, []),
        (["empty", "--allow-empty"], 0, []),
        (["*.ckpt"], 2, []),
        (["nothing.pt"], 2, []),
        (["nothing.pt", "--allow-empty"], 2, []),
        (["good.pt", "nothing.pt"], 2, ["understood"]),
    ],
)
def test_exit_codes_and_states(modeldoctor: Command, arguments: list[str], code: int, states: list[str]) -> None:
    found, document = check(modeldoctor, *arguments)
    assert (found, [target["state"] for target in document["targets"]]) == (code, states)


def test_all_fixtures_fit_the_schema(modeldoctor: Command) -> None:
    code, document = check(modeldoctor, str(FIXTURES))
    assert code in {0, 1}
    assert document["errors"] == []
    assert len(document["targets"]) >= 20


@pytest.mark.parametrize("name", sorted(item.name for item in FIXTURES.iterdir() if item.name != "shop"))
def test_inspect_shows_every_fixture(modeldoctor: Command, name: str) -> None:
    text = modeldoctor("inspect", str(FIXTURES / name), "--format", "plain")
    assert (text.code, text.err) == (0, "")
    document = json.loads(modeldoctor("inspect", str(FIXTURES / name), "--format", "json").out)
    listed = modeldoctor("inspect", str(FIXTURES / name), "--tensors").out
    assert all(tensor["path"] in listed for tensor in document["tensors"])


def test_inspect_says_which_torch_loads_it(modeldoctor: Command) -> None:
    path = str(FIXTURES / "full_model.pt")
    text = modeldoctor("inspect", path, "--torch", "2.5-2.6")
    assert "\nwhich torch loads it\n  torch.load(…) " in text.out
    assert "2.5 loads with warning; 2.6 refused" in text.out
    assert "\n    with torch.serialization.safe_globals([Classifier, Sequential, " in text.out
    assert "1.13" in modeldoctor("inspect", path).out, "all releases when none is asked for"
    document = json.loads(modeldoctor("inspect", path, "--torch", "2.6.0", "--torch", "1.13", "--format", "json").out)
    rows = {(row["torch"], row["mode"], row["importable"]): row for row in document["loads"]}
    assert len(rows) == 2 * 11 * 2
    assert rows["1.13.1", "default", True]["outcome"] == "loads"
    refused = rows["2.6.0", "default", True]
    assert (refused["outcome"], refused["class"]) == ("fails", "wo_unsupported_global")
    assert rows["2.6.0", "full", False]["exception"] == "ModuleNotFoundError"


def test_inspect_on_a_host_with_a_gpu_and_another_python(modeldoctor: Command) -> None:
    def verdict(name: str, *flags: str) -> str:
        out = modeldoctor("inspect", str(FIXTURES / name), "--torch", "2.6.0", *flags, "--format", "json").out
        return str(json.loads(out)["loads"][0]["class"])

    assert verdict("tagged_cuda0.pt") == verdict("tagged_cuda0.pt", "--gpu", "none") == "device_unavailable"
    assert verdict("tagged_cuda0.pt", "--gpu", "t4") == "ok"
    assert verdict("training_numpy.pt", "--numpy", "1.26.4") == "wo_unsupported_global"


def test_every_rule_can_be_explained(modeldoctor: Command) -> None:
    for rule in json.loads(modeldoctor("rules", "--format", "json").out)["rules"]:
        text = modeldoctor("explain", rule["code"])
        assert text == modeldoctor("explain", rule["name"])
        assert text.code == 0
        for section in ("What it finds", "Why it matters", "Seen as", "Fix", "References"):
            assert f"\n{section}\n" in text.out

from collections.abc import Iterator
from pathlib import Path

import pytest

from modeldoctor import engine
from modeldoctor.findings import Hit, Severity, Subject, Where
from modeldoctor.rules import family
from modeldoctor.rules.base import Rule
from tests.cli.command import Command, command
from tests.reporters.samples import checkpoint, foreign, rule, unknown

RULES = (
    rule("MDR101", "cut", Severity.ERROR, Hit("it is cut", Where("bad.pt", member="data.pkl", byte=2), "download it")),
    rule("MDR201", "full-model", Severity.WARNING, Hit("it pickles the model", fix="save the state_dict")),
)


@pytest.fixture
def modeldoctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """The command with the real engine, in an empty folder without colour settings."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return command(capsys)


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modeldoctor: Command) -> Command:
    """The command in a folder with files that are read as hand-made facts and judged by two hand-made rules.

    `good.pt` has no findings, `bad.pt` an error and a warning, `odd.pt` a warning; `junk.bin`, `model.onnx`, `crash.pt`.
    """
    monkeypatch.chdir(tmp_path)
    for name in ("good.pt", "bad.pt", "odd.pt", "junk.bin", "model.onnx", "crash.pt"):
        Path(name).write_bytes(b"x")

    def read(path: str, shown: str, *, sha256: bool = False, **_: object) -> Iterator[Subject]:
        if "crash" in path:
            raise KeyError(path)
        facts = foreign(shown) if "onnx" in path else unknown(shown) if "junk" in path else checkpoint(shown)
        facts = facts._replace(sha256="0" * 64 if sha256 else None)
        yield Subject(shown, facts.format, facts.state, facts)

    def judged(made: Rule, *names: str) -> Rule:
        return made._replace(
            check=lambda facts, context: made.check(facts, context) if facts.path in names else iter(())
        )

    rules = (judged(RULES[0], "bad.pt"), judged(RULES[1], "bad.pt", "odd.pt"))
    monkeypatch.setattr(engine, "read", read)
    monkeypatch.setattr(engine, "rules_for", lambda fact: family("gate") if fact == "Suppression" else rules)
    monkeypatch.setattr(engine, "rules_named", lambda _: rules)
    monkeypatch.setattr("modeldoctor.rules.all_rules", lambda: RULES)
    monkeypatch.setattr("modeldoctor.rules.rules_near", lambda _: RULES)
    return modeldoctor

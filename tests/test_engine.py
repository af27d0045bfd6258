import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modeldoctor import engine
from modeldoctor.config import Config, resolve
from modeldoctor.errors import ReadError, UsageError
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Finding, Hit, Report, Severity, Subject, Unjudged, Where
from modeldoctor.rules.base import Rule
from tests.reporters.samples import checkpoint, foreign, rule

Run = Callable[..., Report]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Examine files `a.pt` and so on with the given rules; `read` may be replaced."""
    monkeypatch.chdir(tmp_path)

    def read(path: str, shown: str, *, sha256: bool = False, **_: object) -> Iterator[Subject]:
        if "crash" in path:
            raise KeyError(path)
        if "locked" in path:
            raise ReadError("permission denied", kind="unreadable", byte=3)
        facts = foreign(shown) if path.endswith(".onnx") else checkpoint(shown, sha256="0" * 64 if sha256 else None)
        yield Subject(shown, facts.format, facts.state, facts)

    def examine(*paths: str, rules: tuple[Rule, ...] = (), config: Config | None = None) -> Report:
        for path in paths:
            if "missing" not in path:
                Path(path).write_bytes(b"x")
        monkeypatch.setattr(engine, "read", read)
        monkeypatch.setattr(engine, "rules_for", lambda fact: rules if fact == "Checkpoint" else ())
        monkeypatch.setattr(engine, "rules_named", lambda _: rules)
        return engine.run(paths, config or Config())

    return examine


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_a_hit_becomes_a_finding(run: Run) -> None:
    hit = Hit("the thing", fix="mend it", notes=(("why", "so"),), data={"phase": "load"})
    report = run("a.pt", rules=(rule("MDR101", "cut", Severity.ERROR, hit),))
    (found,) = report.findings
    assert found[:5] == ("MDR101", "cut", Severity.ERROR, rule("MDR101", "cut", Severity.ERROR).confidence, "the thing")
    assert (found.where, found.fix, found.notes, found.data) == (Where("a.pt"), "mend it", hit.notes, hit.data)
    assert found.url.endswith("/rules/cut/")
    assert (report.failing(), report.exit_code(), report.rules_run) == (1, 1, 1)


def test_the_hit_may_say_how_severe_it_is(run: Run) -> None:
    hit = Hit("the thing", severity=Severity.INFO)
    report = run("a.pt", rules=(rule("MDR101", "cut", Severity.ERROR, hit),))
    assert report.findings[0].severity is Severity.INFO
    assert report.exit_code() == 0


@pytest.mark.parametrize(
    ("fail_on", "code"), [("error", 0), ("warning", 1), ("info", 1), ("never", 0)]
)  # inclusive, from the flag and from the file alike
def test_fail_on(run: Run, fail_on: str, code: int) -> None:
    warning = (rule("MDR101", "cut", Severity.WARNING, Hit("x")),)
    Path("modeldoctor.toml").write_text(f"fail-on = '{fail_on}'\n", encoding="utf-8")
    assert run("a.pt", rules=warning, config=resolve({})).exit_code() == code
    assert run("a.pt", rules=warning, config=resolve({"fail_on": fail_on}, search=False)).exit_code() == code


def test_hidden_findings_are_counted_and_never_fail_unseen(run: Run) -> None:
    rules = (rule("MDR101", "a", Severity.WARNING, Hit("x")), rule("MDR102", "b", Severity.INFO, Hit("y")))
    config = Config(min_severity=Severity.ERROR)
    report = run("a.pt", rules=rules, config=config)
    assert (codes(report), report.hidden, report.exit_code()) == ([], 2, 0)
    report = run("a.pt", rules=rules, config=config._replace(fail_on=Severity.WARNING))
    assert (codes(report), report.hidden, report.exit_code()) == (["MDR101"], 1, 1)


def test_findings_are_sorted(run: Run) -> None:
    rules = (
        rule("MDR101", "a", Severity.WARNING, Hit("late", Where("a.pt", line=9)), Hit("early", Where("a.pt", line=2))),
        rule("MDR102", "b", Severity.ERROR, Hit("x")),
    )
    found = run("b.pt", "a.pt", rules=rules).findings
    assert [(item.where.path, item.message) for item in found] == [
        ("a.pt", "x"), ("a.pt", "early"), ("a.pt", "early"), ("a.pt", "late"), ("a.pt", "late"), ("b.pt", "x"),
    ]  # fmt: skip


def fingerprints(findings: tuple[Finding, ...]) -> list[str]:
    return [item.fingerprint for item in findings]


def test_fingerprints(run: Run) -> None:
    def prints(*hits: Hit) -> list[str]:
        return fingerprints(run("a.pt", rules=(rule("MDR101", "a", Severity.ERROR, *hits),)).findings)

    plain = prints(Hit("one wording"))
    assert plain == prints(Hit("another wording", Where("a.pt", byte=77)))
    assert plain != prints(Hit("one wording", key="shop.Net"))
    assert plain != prints(Hit("one wording", Where("a.pt", member="data.pkl")))
    assert len(set(prints(Hit("same"), Hit("same"), Hit("same")))) == 3
    assert plain == ["8b8a59fedd6f2cb6"], "baselines rest on it: never change how it is made"


def test_names_that_are_no_text(run: Run) -> None:
    run("a.pt", rules=(rule("MDR101", "a", Severity.ERROR, Hit("x", key="\ud800")),))


def test_a_crashed_rule_is_named_and_the_others_run(run: Run) -> None:
    rules = (
        rule("MDR101", "bad", Severity.ERROR, KeyError("x")),  # type: ignore[arg-type]
        rule("MDR102", "good", Severity.ERROR, Hit("y")),
    )
    report = run("a.pt", "b.pt", rules=rules)
    assert codes(report) == ["MDR102", "MDR102"]
    assert report.exit_code() == 2
    failure = report.failures[0]
    assert (failure.message, failure.path, failure.code) == ("rule MDR101 bad crashed: KeyError: 'x'", "a.pt", "MDR101")
    assert failure.traceback
    assert "KeyError" in failure.traceback


def test_a_crashed_reader_is_named_and_the_other_files_are_read(run: Run) -> None:
    report = run("a.pt", "crash.pt", "z.pt", rules=(rule("MDR101", "a", Severity.ERROR, Hit("x")),))
    assert [item.path for item in report.subjects] == ["a.pt", "z.pt"]
    assert report.failures[0].message == "examining crash.pt crashed: KeyError: 'crash.pt'"
    assert report.exit_code() == 2


def test_a_file_that_cannot_be_opened_is_a_fact(run: Run) -> None:
    (subject,) = run("locked.pt").subjects
    assert (subject.state, subject.facts.size_bytes) == ("unreadable", 1)
    assert subject.facts.problems[0][:4] == ("unreadable", "permission denied", None, 3)


def test_what_is_recognised_is_not_checked(run: Run) -> None:
    (subject,) = run("a.onnx").subjects
    assert subject.state == "not checked"


def test_missing_paths_do_not_hide_the_others(run: Run) -> None:
    report = run("a.pt", "missing.pt", "b.pt")
    assert [item.path for item in report.subjects] == ["a.pt", "b.pt"]
    assert "missing.pt" in report.failures[0].message
    assert report.exit_code() == 2


def test_needs_and_unjudged_are_skips(run: Run) -> None:
    rules = (
        rule("MDR301", "a", Severity.ERROR, Hit("x"), needs=("torch", "gpus")),
        rule("MDR302", "b", Severity.ERROR, Unjudged("the table ends at 2.13")),
    )
    report = run("a.pt", rules=rules)
    assert [(skip.code, skip.reason) for skip in report.skips] == [
        ("MDR301", "needs torch and gpus, which is not known"),
        ("MDR302", "the table ends at 2.13"),
    ]
    assert report.exit_code() == 0
    report = run("a.pt", rules=rules, config=Config(target=Target(torch=Value("2.6.0", "--torch"), gpus=())))
    assert codes(report) == ["MDR301"]


def test_an_unknown_selector_stops_the_run(run: Run) -> None:
    report = run("a.pt", rules=(rule("MDR101", "cut", Severity.ERROR, Hit("x")),), config=Config(ignore=("cutt",)))
    assert report.failures[0].message == "no rule is called `cutt`; did you mean `cut`?"
    assert (report.subjects, report.exit_code()) == ((), 2)


def test_deselected_rules_do_not_run(run: Run) -> None:
    rules = (rule("MDR101", "a", Severity.ERROR, Hit("x")), rule("MDR201", "b", Severity.ERROR, Hit("y")))
    assert codes(run("a.pt", rules=rules, config=Config(ignore=("MDR2",)))) == ["MDR101"]
    assert run("a.pt", rules=rules, config=Config(select=("b",))).rules_run == 1


def test_rules_know_what_was_asked(run: Run) -> None:
    seen = []
    spy = rule("MDR101", "a", Severity.ERROR)._replace(check=lambda _, context: seen.append(context) or iter(()))
    run("a.pt", rules=(spy,), config=Config(strict=True, trusted_globals=("shop.*",), target=Target(gpus=())))
    assert seen[0][:4] == (Target(gpus=()), ("shop.*",), True, True)


def test_shown_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert engine.shown_path(os.path.join(str(tmp_path), "a", "b.pt")) == "a/b.pt"
    assert engine.shown_path("./..b.pt") == "..b.pt"
    outside = str(tmp_path.parent / "x.pt")
    assert engine.shown_path(outside) == outside.replace(os.sep, "/")
    assert engine.shown_path("../x.pt") == "../x.pt"


def test_examine_reads_without_judging(run: Run) -> None:
    run("a.pt", "locked.pt")
    assert isinstance(engine.examine("a.pt", sha256=True).facts, Checkpoint)
    assert engine.examine("a.pt", sha256=True).facts.sha256 == "0" * 64
    assert engine.examine("locked.pt").state == "unreadable"
    with pytest.raises(UsageError, match="several models"):
        engine.examine("*.pt")
    with pytest.raises(UsageError, match="no such"):
        engine.examine("nothing.pt")

"""Comments, the configuration and the baseline hide findings, and say when they are no longer needed."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modeldoctor import baseline, engine
from modeldoctor.comments import suppressions
from modeldoctor.config import Config, resolve
from modeldoctor.errors import UsageError
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Finding, Hit, Report, Severity, Subject, Where
from modeldoctor.patterns import covers
from modeldoctor.rules import family
from modeldoctor.rules.base import Rule
from tests.reporters.samples import checkpoint, finding, rule

Run = Callable[..., Report]


class Texts:
    """The facts of a folder of source, for tests."""


def at(*places: Where, code: str = "MDR501", slug: str = "load-per-request") -> Rule:
    """A rule about source that finds something at these places."""
    made = rule(code, slug, Severity.ERROR, *(Hit("loaded per request", where) for where in places))
    return made._replace(fact=Texts)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Judge the files `*.pt` of the folder, and the folder itself as source, with made-up rules."""
    monkeypatch.chdir(tmp_path)
    engine.shown_path(".")

    def read(_: str, shown: str, **__: object) -> Iterator[Subject]:
        facts = checkpoint(shown)
        yield Subject(shown, facts.format, facts.state, facts)

    def examine(*rules: Rule, config: Config | None = None, paths: tuple[str, ...] = (".",)) -> Report:
        Path("a.pt").write_bytes(b"x")
        made = {"Checkpoint": [], "Texts": [], "Suppression": list(family("gate"))}
        for each in rules:
            made[each.fact.__name__].append(each)
        monkeypatch.setattr(engine, "read", read)
        monkeypatch.setattr(engine, "rules_for", lambda fact: tuple(made.get(fact, ())))
        every = tuple(each for group in made.values() for each in group)
        monkeypatch.setattr(engine, "rules_named", lambda _: every)
        monkeypatch.setattr("modeldoctor.rules.all_rules", lambda: every)
        settle = engine._Run.settle

        def with_source(self: Any, paths: tuple[str, ...]) -> None:
            self.judge(Subject(".", "project", "understood", Texts()), engine.Context())
            settle(self, paths)

        monkeypatch.setattr(engine._Run, "settle", with_source)
        return engine.run(paths, config or Config())

    return examine


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def said(report: Report) -> list[tuple[str, int | None]]:
    """What counts: code and line."""
    return [(item.code, item.where.line) for item in report.findings if item.suppressed is None]


# --------------------------------------------------------------------------- comments


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("views.py", "m = load()  # modeldoctor: ignore[MDR501] only once\n", 1),
        ("views.py", "m = load()  # noqa: X # modeldoctor:ignore[load-per-request]\n", 1),
        ("views.py", "# modeldoctor: ignore[MDR5] all of them\n\n# and this\nm = load()\n", 4),
        ("views.py", "import x\n# modeldoctor: ignore-file[MDR501, MDR901]: a script\n\nm = load()\n", 4),
        ("Dockerfile", "# modeldoctor: ignore[MDR501] the base image is fixed\nFROM x\n", 2),
        ("requirements.txt", "torch==1.0  # modeldoctor: ignore[ALL]\n", 1),
        ("compose.yaml", "a:\n  image: x # modeldoctor: ignore[mdr501] pinned elsewhere\n", 2),
        ("pyproject.toml", 'x = "1" # modeldoctor: ignore[MDR501]\n', 1),
        ("views.py", "m = load(\n    a,\n)  # modeldoctor: ignore[MDR501]\n", 1),
        ("views.py", "m = load()  # modeldoctor: ignore[MDR501]\r\n", 1),
    ],
)
def test_a_comment_hides_what_stands_at_its_line(run: Run, name: str, text: str, line: int) -> None:
    write(name, text)
    report = run(at(Where(name, line, end_line=3 if text.count("\n") == 3 and line == 1 else None)))
    assert said(report) == []
    (hidden,) = [item for item in report.findings if item.suppressed]
    assert hidden.suppressed
    assert hidden.suppressed["kind"] == ("file" if "ignore-file" in text else "inline")
    assert hidden.suppressed["source"].startswith(f"{name}:")
    assert report.exit_code() == 0


@pytest.mark.parametrize(
    "text",
    [
        "m = load()\n# modeldoctor: ignore[MDR501] below is too late\n",
        "m = load()  # modeldoctor: ignore[MDR502]\n",
        'm = load("# modeldoctor: ignore[MDR501]")\n',
        "m = load()  # see modeldoctor: ignore[MDR501]\n",
        "m = load()  # modeldoctor: thinks that this is bad\n",
        "m = load()  # modeldoctor: ignore\n",
    ],
)
def test_what_does_not_hide(run: Run, text: str) -> None:
    write("views.py", text)
    report = run(at(Where("views.py", 1)), at(code="MDR502", slug="other"))
    assert ("MDR501", 1) in said(report)


def test_unused_and_invalid_comments_are_found(run: Run) -> None:
    write("a/views.py", "x = 1  # modeldoctor: ignore[MDR501] once needed\ny = 2  # modeldoctor: ignore[MDR5O1]\n")
    write("a/Dockerfile", "# modeldoctor: noqa\nFROM x\n")
    write("a/notes.py", '"""Write `# modeldoctor: ignore[MDR501]` to hide it."""\n')
    report = run(at())
    assert [(item.code, item.where.path, item.where.line) for item in report.findings] == [
        ("MDR904", "a/Dockerfile", 1),
        ("MDR901", "a/views.py", 1),
        ("MDR904", "a/views.py", 2),
    ]
    assert report.exit_code() == 0
    assert "did you mean `MDR501`" in report.findings[2].message


def test_a_comment_is_not_unused_when_its_rule_did_not_judge(run: Run) -> None:
    write("views.py", "x = 1  # modeldoctor: ignore[MDR501]\n")
    assert said(run(at(), config=Config(ignore=("MDR501",)))) == []
    held_back = at()._replace(needs=("torch",))
    assert said(run(held_back)) == []


def test_hidden_severities_do_not_make_a_comment_unused(run: Run) -> None:
    write("views.py", "m = load()  # modeldoctor: ignore[MDR501]\n")
    warning = at(Where("views.py", 1))._replace(severity=Severity.WARNING)
    report = run(warning, config=Config(min_severity=Severity.ERROR))
    assert (said(report), report.hidden) == ([], 0)


@pytest.mark.parametrize(
    "content", [b"\0# modeldoctor: ignore[X]", b"#" * (5 << 20), b"x = (\n# modeldoctor: ignore[A1]"]
)
def test_texts_that_are_odd(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.py"
    path.write_bytes(content)
    assert len(list(suppressions(str(path)))) == (1 if content.startswith(b"x") else 0)
    assert list(suppressions(str(tmp_path / "missing.py"))) == []


# --------------------------------------------------------------------------- configuration

MODELS = rule("MDR201", "full-model", Severity.ERROR, Hit("it pickles the model"))


def settings(text: str, **flags: Any) -> Config:
    write("modeldoctor.toml", text)
    return resolve(flags)


ENTRY = '[[suppress]]\npath = "{}"\ncodes = ["MDR201"]\nreason = "ticket 8"\n'


def test_the_configuration_hides_by_path_and_code(run: Run) -> None:
    report = run(MODELS, config=settings(ENTRY.format("*.pt")))
    assert said(report) == []
    assert report.findings[0].suppressed == {"kind": "config", "source": "modeldoctor.toml:1", "reason": "ticket 8"}
    assert said(run(MODELS, config=settings(ENTRY.format("b.pt")))) == [("MDR201", None), ("MDR901", 1)]
    # Not unused when its paths were not checked.
    assert said(run(MODELS, config=settings(ENTRY.format("b.pt")), paths=("a.pt",))) == [("MDR201", None)]


@pytest.mark.parametrize(
    ("day", "expected", "code"),
    [
        ("2026-06-15", [], 0),
        ("2026-06-16", ["MDR903"], 0),
        ("2026-06-30", ["MDR903"], 0),
        ("2026-07-01", ["MDR201", "MDR902"], 1),
        ("2030-01-01", ["MDR201", "MDR902"], 1),
    ],
)
def test_until(run: Run, day: str, expected: list[str], code: int) -> None:
    report = run(MODELS, config=settings(ENTRY.format("*.pt") + "until = 2026-06-30\n", as_of=day))
    assert sorted(item.code for item in report.findings if item.suppressed is None) == expected
    assert report.exit_code() == code
    if code:
        back = next(item for item in report.findings if item.code == "MDR201")
        assert back.notes == (("suppression", "modeldoctor.toml:1 hid this until 2026-06-30: ticket 8"),)


def test_today_is_the_day_where_nothing_else_is_said(run: Run) -> None:
    assert run(MODELS, config=settings(ENTRY.format("*.pt") + 'until = "2001-01-01"\n')).exit_code() == 1
    assert run(MODELS, config=settings(ENTRY.format("*.pt") + "until = 2999-01-01\n")).exit_code() == 0


@pytest.mark.parametrize(
    ("pattern", "path", "root", "expected"),
    [
        ("*.pt", "a/b/c.pt", "", True),
        ("a/*.pt", "a/b/c.pt", "", False),
        ("a/**", "a/b/c.pt", "", True),
        ("a", "a/b/c.pt", "", True),
        ("b", "a/b/c.pt", "", True),
        ("./a/b/", "a/b/c.pt", "", True),
        ("a/b/c.pt", "a/b/c.pt", "", True),
        ("a/**/c.pt", "a/c.pt", "", True),
        ("b/c.pt", "a/b/c.pt", "", False),
        ("c.pt/x", "c.pt", "", False),
        ("**", "x.pt", "", True),
    ],
)
def test_patterns(pattern: str, path: str, root: str, expected: bool) -> None:
    assert covers(pattern, path, root) is expected


def test_patterns_are_relative_to_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "svc").mkdir()
    monkeypatch.chdir(tmp_path / "svc")
    assert covers("svc/*.pt", "a.pt", str(tmp_path))
    assert not covers("svc/*.pt", "../a.pt", str(tmp_path))
    assert covers(f"{tmp_path}/svc/a.pt".replace("\\", "/"), "a.pt", str(tmp_path))


def test_severity_and_selection_per_path(run: Run) -> None:
    Path("old").mkdir()
    Path("old/b.pt").write_bytes(b"x")
    config = settings(
        'severity = { MDR2 = "info", full-model = "warning" }\nper-path."old/**" = { ignore = ["MDR201"] }\n'
    )
    (found,) = run(MODELS, config=config).findings
    assert (found.where.path, found.severity) == ("a.pt", Severity.WARNING)
    config = settings('ignore = ["MDR201"]\nper-path."old/**" = { extend-select = ["MDR201"] }\n')
    assert [item.where.path for item in run(MODELS, config=config).findings] == ["old/b.pt"]
    config = settings('per-path."old/**" = { select = ["MDR9"] }\n')
    assert [item.where.path for item in run(MODELS, config=config).findings] == ["a.pt"]
    report = run(MODELS, config=settings('exclude = ["old"]\n'))
    assert [item.where.path for item in report.findings] == ["a.pt"]
    assert [(skip.code, skip.path) for skip in report.skips] == [(None, "old/b.pt")]


def test_names_of_rules_are_held_against_the_rules(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, message in [
        ('ignore = ["full-modle"]\n', "no rule is called `full-modle`; did you mean `full-model`?"),
        ('severity = { MDR999 = "info" }\n', "`severity`: no rule is called `MDR999`"),
        ('per-path."x" = { ignore = ["MDR999"] }\n', "`per-path.x`: no rule is called `MDR999`"),
        (ENTRY.format("x").replace("MDR201", "MDR999"), "modeldoctor.toml:1: no rule is called `MDR999`"),
    ]:
        report = run(MODELS, config=settings(text))
        assert message in report.failures[0].message
        assert report.exit_code() == 2
    monkeypatch.setattr("modeldoctor.selection.RENAMED", {"MDR299": "MDR201", "gone": ""})
    report = run(MODELS, config=settings('ignore = ["mdr299", "gone"]\n'))
    assert said(report) == []
    assert report.notices == ("the rule `mdr299` is now called `MDR201`", "the rule `gone` was removed")
    write("views.py", "m = load()  # modeldoctor: ignore[MDR299]\n")
    report = run(MODELS, at(Where("views.py", 1), code="MDR201"), config=Config())
    assert report.notices == ("views.py:1: the rule `MDR299` is now called `MDR201`",)


def test_rules_in_preview_run_on_request(run: Run) -> None:
    new = MODELS._replace(status="preview")
    assert said(run(new)) == []
    assert said(run(new, config=Config(preview=True))) == [("MDR201", None)]
    report = run(new, config=Config(select=("MDR201",)))
    assert (said(report), report.notices) == ([], ("the rule `MDR201` is in preview: `--preview` runs it",))
    old = MODELS._replace(status="deprecated")
    assert said(run(old)) == [("MDR201", None)]
    assert "deprecated" in run(old, config=Config(select=("full-model",))).notices[0]


# --------------------------------------------------------------------------- baseline


def entries(*findings: Finding) -> tuple[baseline.Entry, ...]:
    return tuple(map(baseline.entry_of, findings))


def test_a_baseline_hides_what_it_knows(run: Run) -> None:
    two = rule("MDR201", "full-model", Severity.ERROR, Hit("one", key="a"), Hit("two", key="b"))
    written = baseline.written(run(two), "b.json", "b.json")
    assert written.exit_code() == 0
    config = Config(baseline="b.json")
    reworded = rule(
        "MDR201", "full-model", Severity.ERROR, Hit("uno", key="a"), Hit("due", Where("a.pt", byte=9), key="b")
    )
    assert run(reworded, config=config).exit_code() == 0
    third = rule("MDR201", "full-model", Severity.ERROR, Hit("1", key="a"), Hit("2", key="b"), Hit("3", key="c"))
    report = run(third, config=config)
    assert (report.exit_code(), [item.message for item in report.findings if item.suppressed is None]) == (1, ["3"])
    one = rule("MDR201", "full-model", Severity.ERROR, Hit("one", key="a"))
    report = run(one, config=config)
    assert [(item.code, item.where.path, item.where.line) for item in report.findings if not item.suppressed] == [
        ("MDR905", "b.json", 5)
    ]
    assert report.exit_code() == 0
    pruned = baseline.pruned(report, "b.json")
    assert [item.code for item in pruned.findings] == ["MDR201"]
    assert [entry.key for entry in baseline.read("b.json")[0]] == ["a"]


def test_a_finding_keeps_its_entry_when_its_line_or_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = entries(finding("old/model.pt", key="x"))
    moved = finding("new/model.pt", key="x", fingerprint="f" * 16)
    compared = baseline.compare([moved], known, "b.json")
    assert (baseline.is_accepted(compared.findings[0]), compared.unused) == (True, [])
    assert compared.needed == list(entries(moved))
    # Not while the old file is still there: then it is a second one.
    write("old/model.pt", "")
    assert not baseline.is_accepted(baseline.compare([moved], known, "b.json").findings[0])
    # One entry stands for one finding.
    Path("old/model.pt").unlink()
    twice = [moved, finding("newer/model.pt", key="x", fingerprint="e" * 16)]
    assert [baseline.is_accepted(item) for item in baseline.compare(twice, known, "b.json").findings] == [True, False]


def test_entries_that_a_run_did_not_look_at_are_kept(run: Run) -> None:
    Path("b.pt").write_bytes(b"x")
    baseline.written(run(MODELS), "b.json", "b.json")
    config = Config(baseline="b.json")
    report = run(MODELS, config=config, paths=("a.pt",))
    assert [item.code for item in report.findings] == ["MDR201"]
    assert len(report.baseline) == 2
    deselected = run(MODELS, config=config._replace(ignore=("MDR201",)))
    assert (deselected.findings, len(deselected.baseline)) == ((), 2)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{}",
        '{"findings": 3}',
        '{"findings": [{"x": 1}]}',
        "[" * 100_000,
        '{"schema": "other", "findings": []}',
    ],
)
def test_files_that_are_no_baseline(run: Run, content: str | None) -> None:
    if content is not None:
        write("b.json", content)
    report = run(MODELS, config=Config(baseline="b.json"))
    assert report.exit_code() == 2
    assert "--write-baseline" in report.failures[0].message
    with pytest.raises(UsageError):
        baseline.read("b.json")


def test_a_baseline_is_read_as_a_diff(run: Run) -> None:
    baseline.written(run(MODELS), "b.json", "b.json")
    text = Path("b.json").read_text(encoding="utf-8")
    assert text.count("\n") == 6
    assert json.loads(text)["schema"] == "modeldoctor/baseline/v1"
    with pytest.raises(UsageError, match="cannot write the baseline"):
        baseline.written(run(MODELS), "missing/b.json", "b.json")


def test_the_facts_are_a_class_of_their_own() -> None:
    assert not isinstance(Texts(), Checkpoint)

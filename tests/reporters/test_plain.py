import re

from modeldoctor.findings import Severity, Where
from modeldoctor.reporters.plain import finding_line, plain
from tests.reporters.samples import FULL, HOSTILE, broken, checkpoint, finding, foreign, report, unknown


def test_a_finding_is_one_line() -> None:
    assert finding_line(finding()) == (
        "model.pt: error: MDR901 made-up: the thing is `wrong` (archive/data.pkl at byte 2) [fix: mend it]"
    )
    where = Where("views.py", line=14, column=13)
    assert finding_line(finding(where=where, fix=None)) == "views.py:14:13: error: MDR901 made-up: the thing is `wrong`"
    assert finding_line(finding(where=Where("views.py", line=14), fix=None)).startswith("views.py:14: error: ")


def test_facts_come_first_and_the_verdict_last() -> None:
    first, *lines = plain(report(finding())).splitlines()
    assert first == "target: not given (--torch, --python, --gpu …)"
    assert lines[0] == (
        'model.pt: understood: torch.save zip, training checkpoint: dict, weights under "model", epoch 12, '
        "6 float32, 1 float16, 1.0 M parameters, 11.4 MiB, 12.1 MB"
    )
    assert lines[1].startswith("model.pt: error: MDR901 ")
    assert lines[2] == "Failing: 1 finding at or above --fail-on=error; 1 error in 1 file; 3 rules ran"


def test_four_states_are_four_different_words() -> None:
    _, *lines = plain(report(facts=(checkpoint(), foreign(), unknown(), broken()))).splitlines()
    words = [re.fullmatch(r"\S+: ([a-z ]+): .*", text) for text in lines[:4]]
    assert [word and word[1] for word in words] == ["understood", "not checked", "not understood", "unreadable"]
    assert "load it with onnxruntime" in lines[1]
    assert "it starts with 00 01" in lines[2]
    assert "the directory of the archive is missing" in lines[3]
    assert "(1 not checked, 1 not understood, 1 unreadable)" in lines[4]


def test_only_a_file_that_was_checked_and_has_no_findings_is_clean() -> None:
    def verdict(**changes: object) -> str:
        return plain(report(**changes)).splitlines()[-1].split(":")[0]  # type: ignore[arg-type]

    assert verdict() == "Clean"
    assert verdict(facts=(foreign(),)) == verdict(facts=(unknown(),)) == verdict(facts=()) == "Nothing checked"
    assert verdict(facts=(checkpoint(), foreign())) == "Passing"
    assert verdict(hidden=1) == "Passing"
    assert verdict(failures=FULL.failures) == "Unfinished"
    assert plain(report(finding(severity=Severity.WARNING))).splitlines()[-1].startswith("Passing: nothing at or above")
    assert plain(report(finding(), fail_on=None)).splitlines()[-1].startswith("Passing: --fail-on=never")


def test_verbosity() -> None:
    assert plain(report(finding()), verbosity=-1) == finding_line(finding()) + "\n"
    assert plain(report(), verbosity=-1) == ""
    text = plain(FULL, verbosity=1)
    assert "model.pt: skipped: MDR902: needs torch, which is not known\n" in text
    assert "x.bin: skipped: file: larger than the limit\n" in text


def test_suppressed_findings_are_counted_only() -> None:
    text = plain(report(finding(suppressed={"reason": "known"})))
    assert "MDR901" not in text
    assert "1 suppressed" in text


def test_one_line_per_thing_whatever_the_names_are() -> None:
    hostile = finding(message=HOSTILE, fix=HOSTILE, where=Where(HOSTILE, member=HOSTILE))
    text = plain(report(hostile, facts=(checkpoint(HOSTILE, title=HOSTILE),)))
    assert text.count("\n") == 4
    assert text.replace("\n", "").isprintable()

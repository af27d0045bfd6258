import re

import pytest
from rich.cells import cell_len

from modeldoctor.facts.checkpoint import Part
from modeldoctor.findings import Severity, Where
from modeldoctor.reporters.blocks import blocks
from modeldoctor.reporters.terminal import styled
from modeldoctor.reporters.text import line
from tests.reporters.samples import FULL, HOSTILE, TRAINING, checkpoint, finding, foreign, report

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def screen(made: object, width: int = 80, verbosity: int = 0) -> str:
    return styled(blocks(made, width=width, verbosity=verbosity), width=width, color=False)  # type: ignore[arg-type]


def test_the_whole_screen() -> None:
    assert screen(report(finding()), 80) == (
        "target  not given (--torch, --python, --gpu …)\n"
        "\n"
        "model.pt  12.1 MB\n"
        "  format     torch.save zip, written by torch 2.1 to 2.3\n"
        '  contents   training checkpoint: dict, weights under "model", epoch 12\n'
        "  tensors    6 float32, 1 float16, 1.0 M parameters, 11.4 MiB\n"
        "  devices    7 on cuda:0\n"
        "  prefix     module. on 2 of 2 keys\n"
        "  dtypes     float32  ━━━━━━━━━━━━━━━━━━──────     8.6 MiB  75 %\n"
        "             float16  ━━━━━━──────────────────     2.9 MiB  25 %\n"
        "  parts      optimizer  ━━━━━━━━━━━━━━━━────────     7.6 MiB  67 %\n"
        "             model      ━━━━━━━━────────────────     3.8 MiB  33 %\n"
        "\n"
        "error[MDR901] made-up: the thing is `wrong`\n"
        "  --> model.pt, archive/data.pkl at byte 2\n"
        "   = needs  `a.B`\n"
        "   = fix    mend it\n"
        "\n"
        "1 error in 1 file; 3 rules ran\n"
        "Failing: 1 finding at or above --fail-on=error. More: modeldoctor explain MDR901\n"
    )


def test_a_clean_file_still_shows_its_facts() -> None:
    text = screen(report())
    assert "format     torch.save zip" in text
    assert text.endswith("no findings in 1 file; 3 rules ran\nClean: nothing found.\n")


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_lines_fit_but_paths_stay_whole(width: int) -> None:
    path = "/".join(["a-rather-long-folder-name"] * 8) + "/model.pt"
    long = finding(path, message="a message that goes on " * 20, fix="do this and that " * 20)
    text = screen(report(long, facts=(checkpoint(path),)), width)
    assert f"--> {path}, archive/data.pkl at byte 2\n" in text
    assert all(len(row) <= width for row in text.splitlines() if path not in row)


def test_wide_characters_are_measured() -> None:
    rows = styled([line("名" * 30 + " " + "字" * 30)], width=60, color=False).splitlines()
    assert [len(row) for row in rows] == [30, 30]


def test_wrapped_lines_hang() -> None:
    rows = styled([line("  label  ", "one two three", hang=9)], width=14, color=False).splitlines()
    assert rows == ["  label  one", "         two", "         three"]
    assert styled([line("a" * 30, hang=2)], width=14, color=False) == "a" * 30 + "\n"


def test_no_row_is_too_long_wherever_the_hang_falls() -> None:
    text = "a few words of different lengths, some of them considerable, and a 名字 or two " * 3
    for hang in range(30):
        rows = styled([line(text, hang=hang)], width=60, color=False).splitlines()
        assert max(map(cell_len, rows)) <= 60
        assert " ".join(" ".join(rows).split()) == text.strip()


def test_without_color_there_are_no_escapes_and_with_color_only_colors() -> None:
    hostile = finding(message=HOSTILE, fix=HOSTILE, notes=((HOSTILE, HOSTILE),), where=Where(HOSTILE, member=HOSTILE))
    made = report(hostile, facts=(checkpoint(HOSTILE, title=HOSTILE, sha256=HOSTILE),))
    text = screen(made)
    assert text.replace("\n", "").isprintable()
    assert "[bold]x[/]" in text
    colored = styled(blocks(made, width=80), width=80, color=True)
    assert ESCAPES.sub("", colored) == text
    assert ESCAPES.search(colored)


def test_bars_are_for_what_matters() -> None:
    counters = TRAINING._replace(bytes_by_dtype=(("float32", 11_999_992), ("int64", 8)), parts=TRAINING.parts[:1])
    assert "━" not in screen(report(facts=(checkpoint(anatomy=counters),)))
    many = TRAINING._replace(parts=tuple(Part(f"part-{n}", "weights", 1, 1_000_000 - n) for n in range(20)))
    text = screen(report(facts=(checkpoint(anatomy=many),)))
    assert "… and 12 more, 11.4 MiB" in text
    assert len([row for row in text.splitlines() if "━" in row]) == 2 + 8


def test_seconds_are_said_when_somebody_noticed() -> None:
    assert "3 rules ran; 2.3 s\n" in screen(report(seconds=2.345))
    assert " s\n" not in screen(report(seconds=0.2))


def test_many_files_are_a_list_and_those_without_findings_fold() -> None:
    facts = tuple(checkpoint(f"{number:03}.pt") for number in range(100))
    made = report(finding("007.pt"), facts=(*facts, foreign("z.onnx")))
    text = screen(made, 120)
    assert re.search(r"^007\.pt +12\.1 MB  1 error +training checkpoint: ", text, re.MULTILINE)
    assert re.search(r"^z\.onnx +123 bytes  not checked +ONNX model$", text, re.MULTILINE)
    assert "… and 99 more files (-v lists them)" in text
    assert re.search(r"^099\.pt +12\.1 MB  clean ", screen(made, 120, verbosity=1), re.MULTILINE)
    assert " clean " not in screen(made._replace(hidden=1), 120, verbosity=1)


def test_a_finding_in_a_shard_counts_for_its_folder() -> None:
    facts = (checkpoint("a/shards"), *(checkpoint(f"{number}.pt") for number in range(4)))
    assert re.search(
        r"^a/shards +12\.1 MB  1 error ", screen(report(finding("a/shards/1.bin"), facts=facts)), re.MULTILINE
    )


def test_the_worst_findings_come_first_and_the_rest_folds() -> None:
    many = [finding(message=f"number {number}", severity=Severity.INFO) for number in range(40)]
    text = screen(report(*many, finding("z.pt")))
    assert text.index("error[MDR901]") < text.index("info[MDR901]")
    assert "… and 11 more findings (-v shows them)" in text
    assert screen(report(*many), verbosity=1).count("info[MDR901]") == 40


def test_the_same_finding_in_many_files_is_said_once() -> None:
    made = report(*(finding(f"{number}.pt") for number in range(9)))
    text = screen(made)
    assert text.count("error[MDR901]") == 1
    assert text.count("-->") == 3
    assert "… and 6 more places (-v lists them)" in text
    assert screen(made, verbosity=1).count("-->") == 9
    assert "9 errors in 1 file" in text


def test_verbosity() -> None:
    text = screen(FULL, verbosity=1)
    assert "  MDR902  needs torch, which is not known\n" in text
    assert "  x.bin: larger than the limit\n" in text
    assert "see         https://example.invalid/made-up/" in text
    assert "(-v says why)" in screen(FULL)
    quiet = screen(report(finding()), verbosity=-1)
    assert quiet.startswith("error[MDR901]")
    assert quiet.count("\n") == 6


def test_the_end_says_what_was_not_checked() -> None:
    lines = screen(FULL).splitlines()
    assert lines[0] == "target  torch 2.6.0 (--torch), no GPU"
    assert "Unfinished: 1 problem kept the job from being done. More: modeldoctor explain" in lines[-2]
    assert "1 error, 1 warning in 4 files (1 not checked, 1 not understood, 1 unreadable)" in "\n".join(lines)
    assert "2 below --min-severity" in "\n".join(lines)


def test_a_run_that_could_not_begin_has_no_verdict() -> None:
    assert screen(report(facts=(), failures=FULL.failures)) == ""


def test_warnings_do_not_fail() -> None:
    text = screen(report(finding(severity=Severity.WARNING)))
    assert "warning[MDR901] made-up" in text
    assert text.splitlines()[-1].startswith("Passing: nothing at or above --fail-on=error.")

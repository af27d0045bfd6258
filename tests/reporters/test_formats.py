"""The formats that programs read: the same findings in each, valid, and harmless whatever files are called."""

import json
import re
from html import unescape
from xml.etree import ElementTree as ET

import pytest

from modeldoctor.findings import Failure, Finding, Related, Report, Severity, Where
from modeldoctor.reporters.formats import MACHINE, Setup, machine_text
from tests.reporters.samples import FULL, HOSTILE, checkpoint, finding, report
from tests.reporters.sarif_form import valid

NASTY = f"::stop-commands::x%0A::error::pwned\n::add-mask::y##[add-mask]z<script>alert(1)</script>|](http://e.vil)`{HOSTILE}"
LOCATED = finding(
    "shop/views.py",
    where=Where("shop/views.py", 14, 13, 14, 23),
    related=(Related(Where("shop/urls.py", 9), "the view is routed here"),),
    snippet=((14, "    model = torch.load(path)"),),
)
HIDDEN = finding(
    "b.pt", fingerprint="1" * 16, suppressed={"kind": "config", "source": "pyproject.toml:9", "reason": "old"}
)


def text(made: Report, name: str, prefix: str = "") -> str:
    return machine_text(made, name, Setup(prefix))


def fingerprints(made: Report, name: str) -> set[str]:
    """What identifies the findings in a format, as far as it has something."""
    written = text(made, name)
    if name == "json":
        return {item["fingerprint"] for item in json.loads(written)["findings"] if item["suppressed"] is None}
    if name == "sarif":
        results = valid(written)["runs"][0]["results"]
        return {item["partialFingerprints"]["modeldoctor/v1"] for item in results if "suppressions" not in item}
    return {item["fingerprint"] for item in json.loads(written) if item["check_name"] != "unfinished"}


def test_the_same_findings_in_every_format() -> None:
    made = report(
        *(
            finding(f"{number}.pt", fingerprint=f"{number:016x}", severity=Severity(number % 3 + 1))
            for number in range(9)
        ),
        HIDDEN,
    )
    expected = {f"{number:016x}" for number in range(9)}
    for name in ("json", "sarif", "gitlab"):
        assert fingerprints(made, name) == expected, name
    assert len(re.findall("^::(error|warning|notice) ", text(made, "github"), re.MULTILINE)) == 9
    assert len(re.findall(r"^\| (error|warning|info) \|", text(made, "markdown"), re.MULTILINE)) == 9
    cases = ET.fromstring(text(made, "junit")).findall("testsuite/testcase")
    assert [len([case for case in cases if case.find(kind) is not None]) for kind in ("failure", "system-out", "skipped")] \
        == [3, 6, 1]  # fmt: skip


@pytest.mark.parametrize("name", MACHINE)
def test_an_empty_run_and_one_that_could_not_begin_are_valid(name: str) -> None:
    failed = Report((), (), (), (Failure("no such file: `x`"),), FULL.target, Severity.ERROR)
    for made in (report(), report(facts=()), failed, FULL):
        written = text(made, name)
        if name in {"json", "gitlab"}:
            json.loads(written)
        elif name == "sarif":
            run = valid(written)["runs"][0]
            assert run["invocations"][0]["executionSuccessful"] is not bool(made.failures)
            assert run["invocations"][0]["exitCode"] == made.exit_code()
        elif name == "junit":
            ET.fromstring(written)
    assert "no such file" in unescape(text(failed, name)), "what went wrong is said in every format"


@pytest.mark.parametrize("name", [*MACHINE, "plain", "terminal"])
def test_hostile_names_are_harmless_everywhere(name: str) -> None:
    hostile = finding(
        NASTY, message=NASTY, fix=NASTY, notes=((NASTY, NASTY),), where=Where(NASTY, 1, 2, member=NASTY, byte=3),
        related=(Related(Where(NASTY, 2), NASTY),), snippet=((1, NASTY), (2, NASTY)), data={NASTY: NASTY},
    )  # fmt: skip
    hidden = hostile._replace(suppressed={"kind": "inline", "source": NASTY, "reason": NASTY})
    failures, notices = (Failure(NASTY, NASTY),), (NASTY,)
    made = report(hostile, hidden, facts=(checkpoint(NASTY),), failures=failures, notices=notices)
    if name == "plain":
        from modeldoctor.reporters.plain import plain

        written = plain(made, verbosity=1)
    elif name == "terminal":
        from modeldoctor.reporters.blocks import blocks
        from modeldoctor.reporters.terminal import styled

        written = styled(blocks(made, width=80, verbosity=1), width=80, color=False)
    else:
        written = text(made, name)
    assert "\x1b" not in written
    assert "\r" not in written
    assert "\u202e" not in written
    assert "##[" not in written, "a command of the runner wherever it is logged"
    for row in written.splitlines():
        assert not re.match(r"\s*::(?!:)", row) or name == "github"
        assert not re.match(r"\s*::(stop-commands|add-mask)", row)
    if name == "markdown":
        assert "<script" not in written
        assert "](http://e" not in written
        assert len(re.findall(r"(?<!\\)\|", written.splitlines()[-1] if "|" in written.splitlines()[-1] else "")) in {
            0,
            6,
        }
    if name == "github":
        commands = [row for row in written.splitlines() if row.startswith("::")]
        assert [row.split(" ")[0] for row in commands] == ["::error", "::warning", "::error"]
        assert all("%0A::" not in row for row in commands)
        assert "%250A::error::pwned" in commands[0]
    if name == "junit":
        ET.fromstring(written)
    if name == "sarif":
        message = valid(written)["runs"][0]["results"][0]["message"]["text"]
        assert "](" not in message


def test_sarif_says_the_level_on_each_result_and_has_the_page_of_the_rule() -> None:
    log = valid(text(report(LOCATED, finding(), HIDDEN, notices=("`a` is now `b`",)), "sarif", "services/shop"))
    run = log["runs"][0]
    located, binary, hidden = run["results"]
    assert [item["level"] for item in run["results"]] == ["error"] * 3
    place = located["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "services/shop/shop/views.py"
    assert place["region"] == {
        "startLine": 14, "startColumn": 13, "endLine": 14, "endColumn": 23,
        "snippet": {"text": "    model = torch.load(path)"},
    }  # fmt: skip
    assert located["relatedLocations"][0]["message"]["text"] == "the view is routed here"
    assert binary["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert binary["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "archive/data.pkl at byte 2"
    assert binary["partialFingerprints"]["primaryLocationLineHash"] == "0123456789abcdef:1"
    assert hidden["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "pyproject.toml:9: old"}
    ]
    assert "## What it finds" in run["tool"]["driver"]["rules"][0]["help"]["markdown"]
    assert run["invocations"][0]["toolConfigurationNotifications"][0]["message"]["text"] == "`a` is now `b`"
    assert run["automationDetails"]["id"] == "modeldoctor/"
    assert valid(machine_text(report(), "sarif", Setup(category="modeldoctor/shop")))["runs"][0][
        "automationDetails"
    ] == {"id": "modeldoctor/shop/"}


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/ä#?.pt", "a%20b/%C3%A4%23%3F.pt"),
        ("/abs/x.pt", "file:///abs/x.pt"),
        ("C:/x.pt", "file:///C%3A/x.pt"),
        ("a:b.pt", "a%3Ab.pt"),
        ("\udcff.pt", "%FF.pt"),
        ("\ud800.pt", "%ED%A0%80.pt"),
        ("../x.pt", "../x.pt"),
    ],
)
def test_paths_are_uris(path: str, uri: str) -> None:
    result = valid(text(report(finding(path, where=Where(path))), "sarif"))["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_paths_from_the_root_of_the_repository() -> None:
    assert Setup("svc/a").from_root("x/y.pt") == "svc/a/x/y.pt"
    assert Setup("svc/a").from_root("../y.pt") == "svc/y.pt"
    assert Setup("svc/a").from_root("/y.pt") == "/y.pt"
    assert Setup().from_root("../y.pt") == "../y.pt"
    assert "file=svc/shop/views.py,line=14,endLine=14,col=13,title=MDR901 made-up::" in text(
        report(LOCATED), "github", "svc"
    )
    assert json.loads(text(report(LOCATED), "gitlab", "svc"))[0]["location"] == {
        "path": "svc/shop/views.py", "lines": {"begin": 14}
    }  # fmt: skip


def test_junit_fails_for_what_fails_the_gate_only() -> None:
    warning = finding("w.pt", severity=Severity.WARNING)
    suite = ET.fromstring(text(report(finding(), warning, HIDDEN, facts=(checkpoint("ok.pt"),)), "junit")).find(
        "testsuite"
    )
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped"), suite.get("errors")) == (
        "4",
        "1",
        "1",
        "0",
    )
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text == "error: model.pt, archive/data.pkl at byte 2: the thing is `wrong`; fix: mend it"


def test_markdown_is_bounded() -> None:
    many = [finding(f"{number}.pt") for number in range(500)]
    written = text(report(*many), "markdown")
    assert written.count("\n| error |") == 200
    assert "and 300 more" in written
    assert len(written) < 1 << 20


def all_of(item: Finding) -> list[str]:
    return [text(report(item), name) for name in MACHINE]


def test_a_rule_without_a_page_has_no_link() -> None:
    assert all("()" not in written for written in all_of(finding(url="", fix=None)))

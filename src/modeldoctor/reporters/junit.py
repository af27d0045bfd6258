"""JUnit XML, as Jenkins and GitLab read it: what fails the gate is a failure, what was suppressed is skipped."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from modeldoctor.findings import Finding, Report
from modeldoctor.reporters.summary import place
from modeldoctor.reporters.text import printable


def junit(report: Report) -> str:
    """One suite: a test for each finding, one for each target without any, and an error for what was not done."""
    suite = Element("testsuite", name="modeldoctor")
    for finding in report.findings:
        _case_of(suite, finding, report)
    found = {finding.where.path for finding in report.findings}
    for subject in report.subjects:
        if subject.path not in found:
            case = _case(suite, subject.path, "no findings" if subject.state == "understood" else subject.state)
            if subject.state != "understood":
                SubElement(case, "skipped", message=printable(subject.state))
    for failure in report.failures:
        error = SubElement(_case(suite, failure.path or "modeldoctor", "unfinished"), "error", type="unfinished")
        error.set("message", printable(failure.message))
    for kind in ("failure", "error", "skipped"):
        suite.set(f"{kind}s" if kind != "skipped" else kind, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite)))
    root = Element("testsuites")
    root.append(suite)
    indent(root)
    # ASCII, so that the console's encoding can't contradict what the first line says.
    document: bytes = tostring(root, encoding="us-ascii", xml_declaration=True)
    return document.decode("ascii") + "\n"


def _case(suite: Element, path: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=printable(path), name=printable(name))


def _case_of(suite: Element, finding: Finding, report: Report) -> None:
    case = _case(suite, finding.where.path, f"{finding.code} {finding.name}: {finding.message}")
    fix = f"; fix: {finding.fix}" if finding.fix else ""
    text = printable(f"{finding.severity}: {place(finding)}: {finding.message}{fix}")
    if finding.suppressed is not None:
        why = " ".join(finding.suppressed[key] for key in ("source", "reason") if key in finding.suppressed)
        SubElement(case, "skipped", message=printable(f"suppressed by {why}"))
    elif report.fail_on is not None and finding.severity >= report.fail_on:
        failure = SubElement(case, "failure", type=finding.code, message=printable(finding.message))
        failure.text = text
    else:
        SubElement(case, "system-out").text = text

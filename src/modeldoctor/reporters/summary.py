"""The last lines of a report: what was found in what, and whether the gate passes."""

from collections import Counter

from modeldoctor.findings import Finding, Related, Report, Severity
from modeldoctor.wording import count


def place(item: Finding | Related) -> str:
    """`shop/views.py:14:13`, or `model.pt, data.pkl at byte 2` for a place in a binary file."""
    where = item.where
    text = where.path
    if where.line is not None:
        text += f":{where.line}" + (f":{where.column}" if where.column is not None else "")
    if where.member is not None:
        text += f", {where.member}"
    if where.byte is not None:
        text += f"{' ' if where.member else ', '}at byte {where.byte}"
    return text


def shown(report: Report) -> list[Finding]:
    """The findings that nobody suppressed."""
    return [finding for finding in report.findings if finding.suppressed is None]


def hidden_by(finding: Finding) -> str:
    """`pyproject.toml:9, until 2026-12-31: being retrained`: who decided not to be told, and why."""
    decision = finding.suppressed or {}
    until = f", until {decision['until']}" if "until" in decision else ""
    reason = f": {decision['reason']}" if "reason" in decision else ""
    return f"{decision.get('source', '')}{until}{reason}"


def severity_count(severity: Severity, times: int) -> str:
    """`1 error`, `2 warnings`, `3 info`."""
    return count(times, str(severity), "info" if severity is Severity.INFO else None)


def counted(report: Report) -> str:
    """`1 error, 2 warnings in 3 files (1 not checked); 14 rules ran, 3 skipped`."""
    severities = Counter(finding.severity for finding in shown(report))
    found = ", ".join(severity_count(item, severities[item]) for item in sorted(severities, reverse=True))
    states = Counter(subject.state for subject in report.subjects if subject.state != "understood")
    files = count(len(report.subjects), "file")
    if states:
        files += f" ({', '.join(f'{count} {state}' for state, count in sorted(states.items()))})"
    text = f"{found or 'no findings'} in {files}; {count(report.rules_run, 'rule')} ran"
    if codes := {skip.code for skip in report.skips if skip.code}:
        text += f", {len(codes)} skipped"
    if paths := [skip.path for skip in report.skips if not skip.code]:
        text += f", {count(len(paths), 'file')} not checked"
    if suppressed := [finding.suppressed for finding in report.findings if finding.suppressed is not None]:
        baselined = sum(decision.get("kind") == "baseline" for decision in suppressed)
        text += f", {len(suppressed)} suppressed" + (f" ({baselined} by the baseline)" if baselined else "")
    if report.hidden:
        text += f", {report.hidden} below --min-severity"
    return text


def verdict(report: Report) -> tuple[str, str]:
    """The word that the gate comes to, and why."""
    if report.failures:
        return "Unfinished", f"{count(len(report.failures), 'problem')} kept the job from being done"
    if failing := report.failing():
        return "Failing", f"{count(failing, 'finding')} at or above --fail-on={report.fail_on}"
    if not report.subjects:
        return "Nothing checked", "no model file was found"
    if all(subject.state != "understood" for subject in report.subjects):
        return "Nothing checked", "no file was understood"
    if len(report.findings) > len(shown(report)) and not shown(report):
        return "Passing", "nothing found but what is suppressed"
    if shown(report) or report.hidden:
        threshold = "never" if report.fail_on is None else str(report.fail_on)
        return "Passing", f"nothing at or above --fail-on={threshold}" if report.fail_on else f"--fail-on={threshold}"
    if any(subject.state != "understood" for subject in report.subjects) or any(not skip.code for skip in report.skips):
        return "Passing", "nothing found in what was checked"
    return "Clean", "nothing found"

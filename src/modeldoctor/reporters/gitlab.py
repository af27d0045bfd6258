"""GitLab's code quality report: docs.gitlab.com, ci/testing/code_quality, "Code Quality report format"."""

import json
from typing import Any

from modeldoctor.findings import Report, Severity
from modeldoctor.reporters.formats import Setup, first_line, in_words
from modeldoctor.reporters.summary import shown
from modeldoctor.reporters.text import printable

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.INFO: "info"}


def code_quality(report: Report, setup: Setup) -> str:
    """A list of issues. What kept the job from being done is one too: an empty list would look clean."""
    issues = [
        _issue(
            f"{finding.code} {finding.name}: {in_words(finding)}",
            finding.code,
            finding.fingerprint,
            _SEVERITIES[finding.severity],
            setup.from_root(finding.where.path),
            first_line(finding.where),
        )
        for finding in shown(report)
    ]
    issues += [
        _issue(
            failure.message, "unfinished", f"unfinished-{number}", "blocker", setup.from_root(failure.path or "."), 1
        )
        for number, failure in enumerate(report.failures)
    ]
    rows = ",\n".join(f"  {json.dumps(issue)}" for issue in issues)
    return f"[\n{rows}\n]\n" if rows else "[]\n"


def _issue(text: str, name: str, fingerprint: str, severity: str, path: str, line: int) -> dict[str, Any]:
    return {
        "description": printable(text),
        "check_name": name,
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": printable(path), "lines": {"begin": line}},
    }

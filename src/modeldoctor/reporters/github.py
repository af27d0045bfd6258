"""Annotations of GitHub Actions: one workflow command a line.

Escaping as in github.com/actions/toolkit, packages/core/src/command.ts: `%`, CR and LF in what is said, `:` and `,` in
properties too. All else that comes from files was made harmless before, so that no name can begin a command of its own.
"""

from modeldoctor.findings import Report, Severity
from modeldoctor.reporters.formats import Setup, first_line, in_words
from modeldoctor.reporters.summary import counted, shown, verdict
from modeldoctor.reporters.text import printable

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def annotations(report: Report, setup: Setup) -> str:
    """A command for each finding, the worst first since a step shows only ten of a kind, and a line for the log."""
    rows = []
    for finding in sorted(shown(report), key=lambda finding: -finding.severity):
        where = finding.where
        properties = {
            "file": setup.from_root(where.path),
            "line": first_line(where),
            "endLine": where.end_line,
            "col": where.column,
            "title": f"{finding.code} {finding.name}",
        }
        rows.append(_command(_COMMANDS[finding.severity], properties, in_words(finding)))
    rows += [_command("warning", {"title": "modeldoctor"}, notice) for notice in report.notices]
    rows += [_command("error", {"title": "modeldoctor"}, failure.message) for failure in report.failures]
    if report.subjects or not report.failures:
        word, reason = verdict(report)
        rows.append(f"{word}: {reason}; {counted(report)}")
    return "".join(f"{row}\n" for row in rows)


def _command(name: str, properties: dict[str, object], text: str) -> str:
    pairs = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value is not None)
    return f"::{name} {pairs}::{_data(text)}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")

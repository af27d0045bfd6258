"""Markdown for a job summary or a comment: the verdict, then a table of what was found."""

import re

from modeldoctor.findings import Finding, Report
from modeldoctor.reporters.summary import counted, hidden_by, place, shown, verdict
from modeldoctor.reporters.targets import targets
from modeldoctor.reporters.text import printable

# GitHub takes 1 MiB of summary per step and drops it all when there is more.
MOST_ROWS = 200

# What CommonMark, GitHub's additions or HTML could read as more than a character; an entity is always just that one.
# Brackets suffice against links, and the rest of an address against those that are made of plain text.
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&@$]|:(?=//)|(?<=www)\.")


def markdown(report: Report) -> str:
    """The report; names and texts of files are shown as they are, whatever markup they hold."""
    word, reason = verdict(report)
    rows = [f"## modeldoctor: {word.lower()}", "", f"{_text(reason)}; {_text(counted(report))}."]
    if report.subjects:
        rows += ["", *(f"{_text(label)}: {_text(text)}" for label, text in targets(report))]
    for failure in report.failures:
        rows += ["", f"**Not done:** {_text(failure.message)}"]
    rows += [f"\n**Note:** {_text(notice)}" for notice in report.notices]
    findings = sorted(shown(report), key=lambda finding: -finding.severity)
    if findings:
        rows += ["", "| severity | rule | place | what is wrong | fix |", "|---|---|---|---|---|"]
        rows += [_row(finding) for finding in findings[:MOST_ROWS]]
    if len(findings) > MOST_ROWS:
        rows += ["", f"… and {len(findings) - MOST_ROWS:,} more, which the other reports list."]
    hidden = [finding for finding in report.findings if finding.suppressed is not None]
    if hidden:
        rows += ["", f"<details><summary>{len(hidden):,} suppressed</summary>", ""]
        rows += [f"* {_text(_suppressed(finding))}" for finding in hidden[:MOST_ROWS]]
        rows += ["", "</details>"]
    return "\n".join(rows) + "\n"


def _row(finding: Finding) -> str:
    name = f"{finding.code} {finding.name}"
    rule = f"[{_text(name)}]({finding.url})" if finding.url else _text(name)
    cells = [str(finding.severity), rule, _text(place(finding)), _text(finding.message), _text(finding.fix or "")]
    return f"| {' | '.join(cells)} |"


def _suppressed(finding: Finding) -> str:
    return f"{finding.code} {place(finding)}: {finding.message} ({hidden_by(finding)})"


def _text(text: str) -> str:
    """Text as text; what our messages put in backticks is set as code."""
    parts = printable(text).split("`")
    shown_parts = (_SPECIAL.sub(lambda found: f"&#{ord(found[0])};", part) for part in parts)
    if len(parts) % 2 == 0:  # a name with a backtick in it: nothing is code then
        return "&#96;".join(shown_parts)
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(shown_parts))

"""One line per fact and finding: for pipes, logs and editors. Never coloured, never wrapped."""

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Finding, Report, Subject
from modeldoctor.reporters.describe import in_one_line
from modeldoctor.reporters.summary import counted, hidden_by, place, shown, verdict
from modeldoctor.reporters.targets import targets
from modeldoctor.reporters.text import printable
from modeldoctor.wording import size


def plain(report: Report, *, verbosity: int = 0) -> str:
    """The report as text; `verbosity` below 0 leaves the findings alone, above 0 adds what was skipped."""
    lines = [finding_line(finding) for finding in shown(report)]
    if verbosity >= 0:
        lines = [_subject(subject, report.findings) for subject in report.subjects] + lines
        if report.subjects:
            lines = [f"{label}: {text}" for label, text in targets(report, verbose=verbosity > 0)] + lines
    if verbosity > 0:
        hidden = [finding for finding in report.findings if finding.suppressed is not None]
        lines += [
            f"{place(item)}: suppressed: {item.code} {item.name}: {item.message} ({hidden_by(item)})" for item in hidden
        ]
        lines += [f"{skip.path}: skipped: {skip.code or 'file'}: {skip.reason}" for skip in report.skips]
    if verbosity >= 0 and (report.subjects or not report.failures):
        word, reason = verdict(report)
        lines.append(f"{word}: {reason}; {counted(report)}")
    return "".join(f"{printable(text)}\n" for text in lines)


def _subject(subject: Subject, findings: tuple[Finding, ...]) -> str:
    """`model.pt: understood: torch.save zip, state_dict, 12 float32, …`."""
    facts = subject.facts
    if subject.kind == "torchserve-archive":
        from modeldoctor.reporters import archives

        return f"{subject.path}: {subject.state}: {archives.title(facts)}: {archives.in_one_line(facts, findings)}"
    if isinstance(facts, Checkpoint):
        return f"{subject.path}: {subject.state}: {in_one_line(facts)}, {size(facts.size_bytes)}"
    from modeldoctor.reporters import describe_project

    said = "; ".join(text for _, text in describe_project.facts(facts, verbose=False))
    return f"{subject.path}: {subject.state}: {subject.kind}" + (f": {said}" if said else "")


def finding_line(finding: Finding) -> str:
    """`path[:line[:col]]: severity: CODE slug: message (place) [fix: …]`."""
    where = finding.where
    text = where.path
    if where.line is not None:
        text += f":{where.line}" + (f":{where.column}" if where.column is not None else "")
    text += f": {finding.severity}: {finding.code} {finding.name}: {finding.message}"
    inside = [where.member or "", f"at byte {where.byte}" if where.byte is not None else ""]
    if any(inside):
        text += f" ({' '.join(part for part in inside if part)})"
    return text + (f" [fix: {finding.fix}]" if finding.fix else "")

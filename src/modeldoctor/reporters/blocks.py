"""A report for a person: the facts, then the findings, then the verdict."""

from collections import Counter

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Finding, Report, Subject
from modeldoctor.reporters import describe
from modeldoctor.reporters.bars import bars
from modeldoctor.reporters.listing import listing
from modeldoctor.reporters.snippets import inside, snippet
from modeldoctor.reporters.summary import counted, hidden_by, place, shown, verdict
from modeldoctor.reporters.targets import targets
from modeldoctor.reporters.text import Line, line
from modeldoctor.wording import count, size

# So many files have their facts in full; more are listed, one line each.
FULL_FACTS = 3

# So many different findings are shown without -v.
GROUPS = 30

# So many places of the same finding are shown without -v.
PLACES = 3

# Seconds that somebody noticed.
WORTH_SAYING = 1

LABEL_WIDTH = 11

_VERDICT_STYLES = {"Clean": "good", "Passing": "good", "Nothing checked": "warning"}


def blocks(report: Report, *, width: int, verbosity: int = 0) -> list[Line]:
    """The lines of the report; `verbosity` below 0 leaves findings and verdict, above 0 unfolds and adds skips."""
    lines = []
    if verbosity >= 0 and report.subjects:
        lines = [*_targets(report, verbose=verbosity > 0), line(), *_facts(report, width, verbose=verbosity > 0)]
    groups = _grouped(report)
    for group in groups if verbosity > 0 else groups[:GROUPS]:
        lines += [*_finding(group, width=width, verbose=verbosity > 0), line()]
    if (left := len(groups) - GROUPS) > 0 and verbosity < 1:
        lines += [line((f"… and {count(left, 'more finding')} (-v shows them)", "dim")), line()]
    if verbosity > 0:
        lines += _suppressed(report)
    if verbosity > 0 and report.skips:
        lines += [*_skips(report), line()]
    return lines + _end(report, verbosity) if report.subjects or not report.failures else lines


# --------------------------------------------------------------------------- facts


def _targets(report: Report, *, verbose: bool) -> list[Line]:
    """The environment that was judged, and with -v, indented, how each value was chosen."""
    lines = []
    for label, text in targets(report, verbose=verbose):
        indent = "" if label.startswith("target") else "  "
        lines.append(line((indent + label, "dim"), f"  {text}", hang=8))
    return lines


def _facts(report: Report, width: int, *, verbose: bool) -> list[Line]:
    if len(report.subjects) > FULL_FACTS:
        return [*listing(report, width, verbose=verbose), line()]
    rows: list[Line] = []
    named = None
    for item in report.subjects:
        block = subject_block(item, width, verbose=verbose, findings=report.findings)
        if named == item.path and len(block) > 1:  # what a folder installs and its code, under one name
            rows[-1:] = block[1:]
        else:
            rows += block
        rows.append(line())
        named = item.path
    return rows


def subject_block(subject: Subject, width: int, *, verbose: bool, findings: tuple[Finding, ...] = ()) -> list[Line]:
    """Name, size and state of one target, and its facts with their labels."""
    facts = subject.facts
    state = () if subject.state == "understood" else ("  ", (subject.state, "warning"))
    if subject.kind == "torchserve-archive":
        from modeldoctor.reporters import archives

        rows = [
            (answer.call, f"{answer.http or ''}  {answer.text}".strip()) for answer in archives.outlook(facts, findings)
        ]
        lines = [line((subject.path, "bold"), f"  {size(facts.size_bytes)}", *state, wrap=False)]
        return [*lines, *(labelled(label, text) for label, text in [("what", archives.title(facts)), *rows])]
    if not isinstance(facts, Checkpoint):
        from modeldoctor.reporters import describe_project

        said = describe_project.facts(facts, verbose=verbose)
        return [line((subject.path, "bold"), *state, wrap=False), *(labelled(label, text) for label, text in said)]
    lines = [line((subject.path, "bold"), f"  {size(facts.size_bytes)}", *state, wrap=False)]
    lines += [labelled(label, text) for label, text in describe.facts(facts, verbose=verbose)]
    return lines + bars(facts.anatomy, width)


def labelled(label: str, text: str) -> Line:
    """A fact under the name of its target."""
    return line((f"  {label:<{LABEL_WIDTH}}", "dim"), text, hang=LABEL_WIDTH + 2)


# --------------------------------------------------------------------------- findings


def _grouped(report: Report) -> list[list[Finding]]:
    """Findings that say the same about several places stand together; the worst come first."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for item in shown(report):
        key = (item.code, item.severity, item.message, item.fix, item.notes, item.related)
        groups.setdefault(key, []).append(item)
    return sorted(groups.values(), key=lambda group: -group[0].severity)


def _finding(group: list[Finding], *, width: int, verbose: bool) -> list[Line]:
    """`error[MDR301] slug: message`, the places, the notes and the fix."""
    first = group[0]
    severity = str(first.severity)
    lines = [line((f"{severity}[{first.code}]", severity), (f" {first.name}", "bold"), f": {first.message}", hang=2)]
    for item in group if verbose else group[:PLACES]:
        lines += [line(("  --> ", "dim"), place(item), wrap=False), *snippet(item, width=width)]
    if len(group) > PLACES and not verbose:
        lines.append(line((f"      … and {count(len(group) - PLACES, 'more place')} (-v lists them)", "dim")))
    others = [item for item in first.related if item not in inside(first)]
    lines += [line(("  ::: ", "dim"), f"{place(item)}: {item.message}", hang=6) for item in others]
    notes = [*first.notes, *([("fix", first.fix)] if first.fix else [])]
    if verbose:
        notes += [("confidence", str(first.confidence)), *([("see", first.url)] if first.url else [])]
    widest = max((len(label) for label, _ in notes), default=0)
    return lines + [_note(label, text, widest) for label, text in notes]


def _note(label: str, text: str, width: int) -> Line:
    style = "good" if label == "fix" else "dim"
    return line(("   = ", "dim"), (f"{label:<{width}}", style), f"  {text}", hang=width + 7)


# --------------------------------------------------------------------------- the end


def _suppressed(report: Report) -> list[Line]:
    """What somebody decided not to be told of."""
    hidden = [item for item in report.findings if item.suppressed is not None]
    rows = [line(f"  {item.code}  {place(item)}: {item.message} ({hidden_by(item)})", hang=10) for item in hidden]
    return [line(("suppressed", "bold")), *rows, line()] if rows else []


def _skips(report: Report) -> list[Line]:
    """What was not judged, and why; the same reason only once per rule."""
    reasons = Counter((skip.code or "", skip.reason) for skip in report.skips if skip.code)
    lines = [line(("not judged", "bold"))]
    lines += [
        line(f"  {code}  {reason}" + (f" ({count(times, 'file')})" if times > 1 else ""), hang=10)
        for (code, reason), times in sorted(reasons.items())
    ]
    lines += [line(f"  {skip.path}: {skip.reason}", wrap=False) for skip in report.skips if not skip.code]
    return lines


def _end(report: Report, verbosity: int) -> list[Line]:
    word, reason = verdict(report)
    style = _VERDICT_STYLES.get(word, "error")
    says_why = " (-v says why)" if report.skips and verbosity < 1 else ""
    failing = [finding for finding in shown(report) if report.fail_on and finding.severity >= report.fail_on]
    codes = [finding.code for finding in failing or shown(report)]
    more = f" More: modeldoctor explain {codes[0]}" if codes else ""
    took = f"; {report.seconds:.1f} s" if verbosity > 0 or report.seconds >= WORTH_SAYING else ""
    summary = line(f"{counted(report)}{says_why}{took}")
    last = line((word, style), f": {reason}.{more}")
    return [last] if verbosity < 0 else [summary, last]

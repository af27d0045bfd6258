"""Many targets in one line each: how large, in what state, what it is."""

from collections import Counter

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Report, Severity, Subject
from modeldoctor.reporters import describe
from modeldoctor.reporters.summary import severity_count, shown
from modeldoctor.reporters.text import Line, clip, line, printable
from modeldoctor.wording import count, size

# So many lines are shown without -v.
FOLD = 20

PATH_WIDTH = 40


def listing(report: Report, width: int, *, verbose: bool) -> list[Line]:
    """One line per target; when there are many, the worst ones, and how many more there are."""
    found = _by_target(report)
    subjects = list(report.subjects)
    if len(subjects) > FOLD and not verbose:
        subjects = sorted(subjects, key=lambda item: -_weight(item, found))[:FOLD]
        subjects = sorted((item for item in subjects if _weight(item, found)), key=lambda item: item.path)
    paths = min(max((len(item.path) for item in subjects), default=0), PATH_WIDTH)
    lines = [_row(item, (paths, width), found[item.path], report) for item in subjects]
    if left := len(report.subjects) - len(subjects):
        lines.append(line((f"… and {count(left, 'more file')} (-v lists them)", "dim")))
    return lines


def _weight(subject: Subject, found: dict[str, Counter[Severity]]) -> int:
    """How much the target deserves a look; 0 for one that is clean."""
    return max((*found[subject.path], 0 if subject.state == "understood" else Severity.WARNING))


def _by_target(report: Report) -> dict[str, Counter[Severity]]:
    """The findings of each target by severity; one about a shard belongs to the folder that was examined."""
    found: dict[str, Counter[Severity]] = {subject.path: Counter() for subject in report.subjects}
    for item in shown(report):
        path = item.where.path
        while path not in found and "/" in path:
            path = path.rpartition("/")[0]
        if path in found:
            found[path][item.severity] += 1
    return found


def _row(subject: Subject, columns: tuple[int, int], found: Counter[Severity], report: Report) -> Line:
    facts, clean = subject.facts, not report.hidden
    worst = max(found, default=None)
    style = str(worst) if worst else "good" if subject.state == "understood" and clean else ""
    if subject.state != "understood":
        word = subject.state
    else:
        word = severity_count(worst, found[worst]) if worst else "clean" if clean else ""
    bytes_, text = "", subject.kind
    if isinstance(facts, Checkpoint):
        bytes_ = size(facts.size_bytes)
        text = describe.contents(facts) if subject.state == "understood" else facts.title
    elif subject.kind == "torchserve-archive":
        from modeldoctor.reporters import archives

        bytes_, text = size(facts.size_bytes), archives.in_a_word(facts, report.findings)
    paths, width = columns
    room = max(width - max(paths, len(subject.path)) - 30, 20)
    return line(
        (f"{subject.path:<{paths}}", "bold"),
        f"  {bytes_:>10}  ",
        (f"{word:<14}", style),
        f"  {clip(printable(text), room)}",
        wrap=False,
    )

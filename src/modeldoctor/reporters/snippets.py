"""The lines that a finding is about, with a number at the side and marks under what is meant."""

from modeldoctor.findings import Finding, Related
from modeldoctor.reporters.text import Line, line, printable

# A tab advances to a multiple of so many columns in most terminals; here it is always that many.
_TAB = "    "


def snippet(finding: Finding, *, width: int) -> list[Line]:
    """The block between the place and the notes; nothing for places without lines."""
    if not finding.snippet:
        return []
    labels = {item.where.line: item for item in inside(finding)}
    gutter = len(str(finding.snippet[-1][0]))
    severity = str(finding.severity)
    edge = line((f"{'':{gutter}} |", "dim"), wrap=False)
    rows = [edge]
    before = finding.snippet[0][0] - 1
    for number, text in finding.snippet:
        if number > before + 1:
            rows.append(line((f"{'':{gutter}} :", "dim"), wrap=False))
        before = number
        shown = printable(_expanded(text))[: max(width - gutter - 3, 20)].rstrip()
        rows.append(line((f"{number:>{gutter}} | ", "dim"), shown, wrap=False))
        if number in labels:
            marks = _marks(labels[number], text, gutter, "-", "info")
            rows += _labelled(marks, labels[number].message, gutter, width)
        elif number == finding.where.line:
            rows.append(_marks(finding, text, gutter, "^", severity))
    return [*rows, edge]


def inside(finding: Finding) -> list[Related]:
    """The related places that the snippet shows: those in the same file, the last word on each line."""
    lines = {number for number, _ in finding.snippet} - {finding.where.line}
    return [item for item in finding.related if item.where.path == finding.where.path and item.where.line in lines]


def _marks(item: Finding | Related, text: str, gutter: int, mark: str, style: str) -> Line:
    """`^^^` under the columns of a place; under the first word of the line when they are not known."""
    where = item.where
    start = (where.column or len(text) - len(text.lstrip()) + 1) - 1
    end = len(text)
    if where.end_column is not None and where.end_line in {None, where.line}:
        end = where.end_column - 1
    elif where.column is not None and where.end_line in {None, where.line}:
        end = start + 1
    skipped, marked = _columns(text[:start]), max(_columns(text[start:end].rstrip()), 1)
    return line((f"{'':{gutter}} | ", "dim"), f"{'':{skipped}}", (mark * marked, style), wrap=False)


def _labelled(marks: Line, label: str, gutter: int, width: int) -> list[Line]:
    """The label beside its mark, or under it where there is no room."""
    if _columns("".join(text for text, _ in marks.spans)) + 1 + _columns(label) <= width:
        return [marks._replace(spans=(*marks.spans, (f" {label}", "")))]
    return [marks, line((f"{'':{gutter}} | ", "dim"), label, hang=gutter + 3)]


def _expanded(text: str) -> str:
    return text.replace("\t", _TAB)


def _columns(text: str) -> int:
    """How many columns a text takes as it is shown: escaped, East Asian characters two wide."""
    text = printable(_expanded(text))
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)

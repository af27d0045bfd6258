"""The baseline: findings that are known and accepted, so that only new ones fail.

An entry is found again by its fingerprint, which holds neither wording nor line. When the file of an entry is gone, the
same finding in a file of the same name elsewhere is taken for it: folders get renamed.
"""

import json
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from modeldoctor.errors import UsageError
from modeldoctor.findings import Finding, Report

SCHEMA = "modeldoctor/baseline/v1"

# An entry has a few hundred bytes; this is room for some hundred thousand.
FILE_LIMIT = 64 << 20

_FINGERPRINT = re.compile(r'"fingerprint": "([0-9a-f]{16})"')


class Entry(NamedTuple):
    """A known finding. `name` and `message` are for people; `member` and `key` are part of what it is about."""

    fingerprint: str
    code: str
    name: str
    path: str
    member: str
    key: str
    message: str

    @property
    def anywhere(self) -> tuple[str, ...]:
        """What it is, whatever folder its file lies in."""
        return (self.code, os.path.basename(self.path), self.member, self.key)


class Comparison(NamedTuple):
    """What a baseline makes of a run: the findings, the entries that are needed, and those that are not."""

    findings: list[Finding]
    needed: list[Entry]
    unused: list[Entry]


def entry_of(finding: Finding) -> Entry:
    """The entry that stands for a finding."""
    where = finding.where
    return Entry(
        finding.fingerprint, finding.code, finding.name, where.path, where.member or "", finding.key, finding.message
    )


def read(path: str) -> tuple[tuple[Entry, ...], dict[str, int]]:
    """The entries of a baseline, and the line of each by its fingerprint; UsageError for what is none."""
    advice = "write one with `--write-baseline`"
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(FILE_LIMIT + 1)
        document = dict(json.loads(text)) if len(text) <= FILE_LIMIT else {}
        entries = tuple(Entry(**entry) for entry in document["findings"])
    except OSError as error:
        raise UsageError(f"cannot read the baseline {path}: {error.strerror}; {advice}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path} is no baseline: {advice}") from error
    if document.get("schema") != SCHEMA or not all(isinstance(item, str) for entry in entries for item in entry):
        raise UsageError(f"{path} is no baseline of this release ({SCHEMA}): {advice}")
    lines = {
        found[1]: number for number, line in enumerate(text.split("\n"), 1) if (found := _FINGERPRINT.search(line))
    }
    return entries, lines


def compare(findings: Iterable[Finding], entries: tuple[Entry, ...], source: str) -> Comparison:
    """Suppress the findings that the baseline knows."""
    compared = list(findings)
    known = {entry.fingerprint: entry for entry in entries}
    taken: set[str] = set()
    for index, finding in enumerate(compared):
        if finding.suppressed is None and finding.fingerprint in known:
            taken.add(finding.fingerprint)
            compared[index] = accepted(finding, source)
    moved: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        if entry.fingerprint not in taken and not os.path.lexists(entry.path):
            moved.setdefault(entry.anywhere, []).append(entry)
    for index, finding in enumerate(compared):
        if finding.suppressed is None and (candidates := moved.get(entry_of(finding).anywhere)):
            taken.add(candidates.pop(0).fingerprint)
            compared[index] = accepted(finding, source)
    needed = [entry_of(finding) for finding in compared if is_accepted(finding)]
    return Comparison(compared, needed, [entry for entry in entries if entry.fingerprint not in taken])


def accepted(finding: Finding, source: str) -> Finding:
    """The finding as one that the baseline hides."""
    return finding._replace(suppressed={"kind": "baseline", "source": source})


def is_accepted(finding: Finding) -> bool:
    """Whether the baseline hides it."""
    return finding.suppressed is not None and finding.suppressed["kind"] == "baseline"


def written(report: Report, path: str, shown: str) -> Report:
    """Write all findings of a report to the baseline, but those of its own family; the report with them hidden."""
    findings = tuple(
        accepted(finding, shown) if finding.suppressed is None and not finding.code.startswith("MDR9") else finding
        for finding in report.findings
    )
    _write(path, [entry_of(finding) for finding in findings if is_accepted(finding)])
    return report._replace(findings=findings)


def pruned(report: Report, path: str) -> Report:
    """Write the entries that are still needed; the report without those that are not."""
    _write(path, report.baseline)
    return report._replace(findings=tuple(item for item in report.findings if item.name != "stale-baseline"))


def _write(path: str, entries: Iterable[Entry]) -> None:
    """Write a baseline, one entry a line so that changes can be read; UsageError when that can't be done."""
    rows = (json.dumps(entry._asdict()) for entry in sorted(entries, key=lambda entry: (entry.path, *entry)))
    listed = ",".join(f"\n    {row}" for row in rows)
    text = f'{{\n  "schema": "{SCHEMA}",\n  "findings": [{listed}\n  ]\n}}\n'
    part = f"{path}.part"
    try:
        with open(part, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(part, path)
    except OSError as error:
        raise UsageError(f"cannot write the baseline {path}: {error.strerror}") from error

"""Comments, entries of the configuration and the baseline hide findings; each says whether it was needed."""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from modeldoctor import baseline, rules
from modeldoctor.comments import MARK, lines_meant, suppressions
from modeldoctor.config import Config
from modeldoctor.excerpts import lines_of
from modeldoctor.facts.suppression import Suppression
from modeldoctor.findings import Finding
from modeldoctor.patterns import covers
from modeldoctor.selection import current, names
from modeldoctor.wording import did_you_mean

# Texts that may hold such comments, and the findings that they are about.
_SUFFIXES = (".py", ".pyi", ".toml", ".txt", ".in", ".yaml", ".yml", ".cfg", ".ini", ".sh", ".conf", ".properties")
_NAMES = ("Dockerfile", "Containerfile", "Makefile", "Procfile")


class Scope(NamedTuple):
    """What a run looked at: the targets and subjects as shown, folders of source, and which rules came to judge."""

    targets: tuple[str, ...]
    subjects: tuple[str, ...]
    folders: tuple[str, ...]
    ran: frozenset[str]
    skipped: frozenset[str]

    def judged(self, codes: Iterable[str]) -> bool:
        """Whether rules of these names came to judge, and none of them was held back by what is not known."""
        meant = {rule.code for rule in rules.all_rules() if any(names(rule.code, rule.slug, code) for code in codes)}
        return bool(meant & self.ran) and not meant & self.skipped

    def holds(self, path: str) -> bool:
        """Whether the run looked at this path."""
        if "." in self.targets and not os.path.isabs(path):
            return True
        return any(path == top or path.startswith(f"{top}/") for top in (*self.targets, *self.subjects))


class Settled(NamedTuple):
    """The findings, hidden or not; what rules about suppressions are to judge; what the baseline still needs."""

    findings: list[Finding]
    suppressions: list[Suppression]
    baseline: tuple[baseline.Entry, ...]
    notices: list[str]


def settle(findings: list[Finding], scope: Scope, config: Config) -> Settled:
    """Hide what somebody decided to hide."""
    texts = {finding.where.path for finding in findings if finding.where.line and finding.where.member is None}
    for folder in scope.folders:
        texts.update(_texts(folder))
    notices: list[str] = []
    decisions = [
        _known(found, notices) for path in sorted(texts) for found in suppressions(path)
    ] + [entry._replace(days_left=_days_left(entry.until, config.as_of)) for entry in config.suppress]  # fmt: skip
    used = [0] * len(decisions)
    reach = [_lines(decision) for decision in decisions]
    settled = []
    for finding in findings:
        index = next(
            (index for index, decision in enumerate(decisions) if _hides(decision, reach[index], finding, config.root)),
            None,
        )
        if index is not None:
            used[index] += 1
            finding = _hidden(finding, decisions[index])  # noqa: PLW2901 - the same finding, hidden
        settled.append(finding)
    judged = [
        decision._replace(used=times if times or _looked_at(decision, scope, config.root) else None)
        for decision, times in zip(decisions, used, strict=True)
    ]
    if config.baseline is None:
        return Settled(settled, judged, (), notices)
    return _with_baseline(Settled(settled, judged, (), notices), scope, config.baseline)


# --------------------------------------------------------------------------- decisions


def _known(found: Suppression, notices: list[str]) -> Suppression:
    """The comment with names that are in use, or with a problem when there is no such rule."""
    codes, said = current(found.codes)
    notices += [f"{found.source}: {text}" for text in said]
    every = rules.all_rules()
    for code in codes:
        if not any(names(rule.code, rule.slug, code) for rule in every):
            near = did_you_mean(code, [name for rule in every for name in (rule.code, rule.slug)])
            return found._replace(problem=found.problem or f"no rule is called `{code[:60]}`{near}")
    return found._replace(codes=codes)


def _days_left(until: str, as_of: str | None) -> int | None:
    if not until:
        return None
    from datetime import date

    today = date.fromisoformat(as_of) if as_of else date.today()  # noqa: DTZ011 - the day where the gate runs
    return (date.fromisoformat(until) - today).days


def _lines(decision: Suppression) -> int | None:
    """The line that an inline comment is about."""
    return lines_meant(decision) if decision.kind == "inline" and not decision.problem else None


def _hides(decision: Suppression, line: int | None, finding: Finding, root: str) -> bool:
    """Whether a decision is about a finding."""
    where = finding.where
    if decision.problem or not any(names(finding.code, finding.name, code) for code in decision.codes):
        return False
    if decision.kind == "config":
        return covers(decision.pattern, where.path, root)
    if where.path != decision.path or where.member is not None:
        return False
    first = where.line or 0
    own = decision.line or 0
    # A comment may stand on any line of a call that is written over several.
    return decision.kind == "file" or (line is not None and first <= line <= max(where.end_line or 0, first, 1)) or (
        bool(first) and first <= own <= (where.end_line or first)
    )  # fmt: skip


def _hidden(finding: Finding, decision: Suppression) -> Finding:
    """The finding as suppressed, or with a note that the suppression has expired."""
    if decision.expired:
        note = ("suppression", f"{decision.source} hid this until {decision.until}: {decision.reason}")
        return finding._replace(notes=(*finding.notes, note))
    about = {"kind": decision.kind, "source": decision.source, "reason": decision.reason, "until": decision.until}
    return finding._replace(suppressed={key: text for key, text in about.items() if text})


def _looked_at(decision: Suppression, scope: Scope, root: str) -> bool:
    """Whether the run would have found what the decision is about."""
    if decision.problem or not scope.judged(decision.codes):
        return False
    if decision.kind != "config":
        return True
    return any(covers(decision.pattern, path, root) for path in scope.subjects) or any(
        os.path.abspath(target) == os.path.abspath(root) for target in scope.targets
    )


def _texts(folder: str) -> Iterator[str]:
    """The texts of a project that mention us."""
    from modeldoctor.readers.project.files import walk

    paths = walk(folder, [], folder)
    for path in paths:
        name = path.rpartition("/")[2]
        shown = path if folder == "." else f"{folder}/{path}"
        if name.endswith(_SUFFIXES) or name.startswith(_NAMES):
            try:
                with open(shown, "rb") as file:
                    mentioned = MARK.encode() in file.read(_TEXT_BYTES)
            except OSError:
                continue
            if mentioned and lines_of(shown):
                yield shown


# As far as a text is searched for a mention before it is taken apart.
_TEXT_BYTES = 4 << 20


# --------------------------------------------------------------------------- the baseline


def _with_baseline(settled: Settled, scope: Scope, path: str) -> Settled:
    entries, lines = baseline.read(path)
    shown = os.path.relpath(path).replace(os.sep, "/")
    compared = baseline.compare(settled.findings, entries, shown)
    stale = [entry for entry in compared.unused if scope.judged((entry.code,)) and scope.holds(entry.path)]
    # What this run could not look at stays in the baseline.
    needed = compared.needed + [entry for entry in compared.unused if entry not in stale]
    facts = [
        Suppression(
            "baseline",
            shown,
            lines.get(entry.fingerprint),
            (entry.code,),
            pattern=entry.path,
            reason=entry.message,
            used=0,
        )
        for entry in stale
    ]
    return Settled(compared.findings, settled.suppressions + facts, tuple(needed), settled.notices)

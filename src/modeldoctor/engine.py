"""detect → read → rules → findings: the one way that data flows."""

import hashlib
import os
import time
import traceback
from collections import Counter
from typing import Any

from modeldoctor.config import Config
from modeldoctor.errors import UsageError
from modeldoctor.findings import Failure, Finding, Hit, Report, Skip, Subject, Unjudged, Where
from modeldoctor.readers import read
from modeldoctor.rules import rules_for
from modeldoctor.rules.base import Context, Rule
from modeldoctor.targets import Unit, expand

DOCUMENTATION_URL = "https://torch-modeldoctor.readthedocs.io/rules/"


def run(paths: tuple[str, ...], config: Config) -> Report:
    """Examine the paths and judge what they hold. Never raises for what lies in a file."""
    started = time.perf_counter()
    run = _Run(config)
    try:
        for unit in expand(paths, allow_empty=config.allow_empty):
            run.examine(unit)
    except UsageError as error:
        run.failures.append(Failure(str(error)))
    return run.report(time.perf_counter() - started)


class _Run:
    """The state of one run: what was found so far."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.subjects: list[Subject] = []
        self.findings: list[Finding] = []
        self.skips: list[Skip] = []
        self.failures: list[Failure] = []
        self.ran: set[str] = set()
        self.fingerprints: Counter[str] = Counter()

    def examine(self, unit: Unit) -> None:
        """Read one unit and let every selected rule judge its facts."""
        path = shown_path(unit.path)
        for subject in read(unit.path, path, sha256=self.config.sha256):
            self.subjects.append(subject)
            context = Context(self.config.target, self.config.trusted_globals, unit.explicit, self.config.strict)
            for rule in rules_for(type(subject.facts).__name__):
                if selected(rule, self.config):
                    self.apply(rule, subject, context)

    def apply(self, rule: Rule, subject: Subject, context: Context) -> None:
        """Run one rule on one fact; a crash is reported by name and the others still run."""
        missing = [need for need in rule.needs if getattr(context.target, need) is None]
        if missing:
            self.skips.append(Skip(rule.code, subject.path, f"needs {' and '.join(missing)}, which is not known"))
            return
        self.ran.add(rule.code)
        try:
            for hit in rule.check(subject.facts, context):
                if isinstance(hit, Unjudged):
                    self.skips.append(Skip(rule.code, subject.path, hit.reason))
                else:
                    self.keep(rule, subject.path, hit)
        except Exception as error:  # noqa: BLE001 - the rule boundary: one broken rule must not hide the others
            message = f"rule {rule.code} {rule.slug} crashed: {type(error).__name__}: {error}"
            self.failures.append(Failure(message, subject.path, rule.code, traceback.format_exc()))

    def keep(self, rule: Rule, path: str, hit: Hit) -> None:
        """Make the finding that a hit stands for, unless it is below the threshold that is shown."""
        severity = rule.severity if hit.severity is None else hit.severity
        if severity < self.config.min_severity:
            return
        where = hit.where or Where(path)
        identity = "\0".join((rule.code, where.path, where.member or "", hit.key))
        # Equal identities are numbered, so that none hides another (GitLab merges equal fingerprints).
        self.fingerprints[identity] += 1
        digest = hashlib.sha256(f"{identity}\0{self.fingerprints[identity]}".encode("utf-8", "surrogatepass"))
        self.findings.append(
            Finding(
                code=rule.code,
                name=rule.slug,
                severity=severity,
                confidence=rule.confidence if hit.confidence is None else hit.confidence,
                message=hit.message,
                where=where,
                fix=hit.fix,
                notes=hit.notes,
                related=hit.related,
                url=f"{DOCUMENTATION_URL}{rule.slug}/",
                fingerprint=digest.hexdigest()[:16],
                data=hit.data,
            )
        )

    def report(self, seconds: float) -> Report:
        """Everything, in an order that does not depend on the order of work."""
        return Report(
            subjects=tuple(self.subjects),
            findings=tuple(sorted(self.findings, key=_order)),
            skips=tuple(sorted(self.skips, key=lambda skip: (skip.path, skip.code or "", skip.reason))),
            failures=tuple(self.failures),
            target=self.config.target,
            fail_on=self.config.fail_on,
            rules_run=len(self.ran),
            seconds=seconds,
        )


def _order(finding: Finding) -> tuple[Any, ...]:
    where = finding.where
    place = (where.line or 0, where.column or 0, where.member or "", where.byte or 0)
    return (where.path, -finding.severity, place, finding.code, finding.message)


def selected(rule: Rule, config: Config) -> bool:
    """Whether the rule runs: the longest matching selector wins, `--ignore` wins a tie."""
    chosen = _longest(rule, config.select) if config.select else 0
    chosen = max(chosen, _longest(rule, config.extend_select))
    return chosen >= 0 and chosen > _longest(rule, config.ignore)


def _longest(rule: Rule, selectors: tuple[str, ...]) -> int:
    """The length of the longest selector that matches; -1 for none. A slug is exact, `ALL` matches everything."""
    lengths = [len(text) for text in selectors if rule.code.startswith(text.upper())]
    lengths += [99 for text in selectors if text.lower() == rule.slug]
    lengths += [0 for text in selectors if text.upper() == "ALL"]
    return max(lengths, default=-1)


def shown_path(path: str) -> str:
    """The path as every report prints it: relative when it lies below the working directory, always with `/`."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        relative = path
    if relative.startswith(".."):
        relative = path
    return relative.replace(os.sep, "/")

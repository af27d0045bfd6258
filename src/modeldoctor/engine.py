"""detect → read → rules → findings: the one way that data flows."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from modeldoctor.config import Config
from modeldoctor.errors import ReadError, UsageError
from modeldoctor.findings import Failure, Finding, Hit, Report, Skip, Subject, Unjudged, Where
from modeldoctor.joins import Joins
from modeldoctor.readers import read
from modeldoctor.rules import rules_for, rules_named
from modeldoctor.rules.application import answers
from modeldoctor.rules.base import Context, Rule
from modeldoctor.rules.plugins import plugin_rules
from modeldoctor.targets import Unit, expand

# The same digest as `hashlib.sha256` without loading OpenSSL, which costs as much as reading a small checkpoint.
try:
    from _sha2 import sha256 as _sha256  # type: ignore[import-not-found,unused-ignore] # Python 3.12 and later
except ImportError:
    try:
        from _sha256 import sha256 as _sha256  # type: ignore[import-not-found,no-redef,unused-ignore]
    except ImportError:
        from hashlib import sha256 as _sha256

# How the state of a file's facts is called in every report.
_STATES = {"recognised": "not checked"}


def examine(path: str, *, sha256: bool = False) -> Subject:
    """The facts of one file or model folder, without judging them; UsageError when that is not what `path` is."""
    units = list(islice(expand((path,)), 2))
    if len(units) > 1:
        raise UsageError(f"{path} holds several models; name one of them, such as {shown_path(units[0].path)}")
    path = units[0].path
    try:
        subject = next(iter(read(path, shown_path(path), sha256=sha256)))
    except ReadError as error:
        subject = _unreadable(path, shown_path(path), error)
    return _in_words(subject)


def run(paths: tuple[str, ...], config: Config) -> Report:
    """Examine the paths and judge what they hold. Never raises for what lies in a file or is missing."""
    started = time.perf_counter()
    run = _Run(config)
    try:
        run.prepare()
        units = expand(paths, allow_empty=config.allow_empty)
        if config.jobs > 1:
            run.examine_in_processes(units)
        else:
            for unit in units:
                run.examine(unit)
    except UsageError as error:
        run.failures.append(Failure(str(error)))
    run.judge_together()
    run.settle(paths)
    return run.report(time.perf_counter() - started)


def examined(units: tuple[Unit, ...], config: Config, joins: Joins) -> "_Run":
    """A part of a run, done in a process of its own with the projects that were read in another."""
    run = _Run(config)
    run.joins = joins
    for unit in units:
        run.examine(unit)
    run.chosen.clear()  # rules cannot be sent to another process
    run.joins = Joins(config)  # and the projects are known there
    run.joins.judged = joins.judged
    return run


class _Run:
    """The state of one run: what was found so far."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.joins = Joins(config)
        self.subjects: list[Subject] = []
        self.findings: list[Finding] = []
        self.skips: list[Skip] = []
        self.failures: list[Failure] = []
        self.chosen: dict[str, tuple[Rule, ...]] = {}
        self.ran: set[str] = set()
        self.hidden = 0
        self.fingerprints: Counter[str] = Counter()
        self.notices: list[str] = []
        self.baseline: tuple[Any, ...] = ()

    def prepare(self) -> None:
        """Hold the names of rules in the configuration against the rules there are; UsageError for unknown ones."""
        self.failures += [Failure(text) for text in plugin_rules().problems]
        self.joins.begin()
        config = self.config
        if config.ts_config and not os.path.isfile(config.ts_config):
            raise UsageError(f"no such file: `{config.ts_config}` (`--ts-config`)")
        if any((config.select, config.extend_select, config.ignore, config.severity, config.per_path, config.suppress)):
            from modeldoctor.policy import names_in, up_to_date

            self.config, self.notices = up_to_date(config, rules_named(names_in(config)))

    def examine(self, unit: Unit) -> None:
        """Read one unit and let every selected rule judge its facts; a crash is reported by name."""
        path = shown_path(unit.path)
        if self.config.exclude and self.excluded(path):
            self.skips.append(Skip(None, path, "excluded by the configuration"))
            return
        try:
            if unit.project:
                for subject in self.joins.project(unit.path, path):
                    self.judge(subject, self.context(unit))
                return
            context = self.context(unit)
            for subject in read(unit.path, path, sha256=self.config.sha256, ts_config=self.config.ts_config):
                self.judge(subject, context._replace(located=self.joins.located(subject, unit.path)))
                for joined in self.joins.joined(subject, unit.path):
                    for rule in self.rules(type(joined.facts).__name__):
                        self.apply(rule, joined, context)
        except ReadError as error:
            self.judge(_unreadable(unit.path, path, error), self.context(unit))
        except Exception as error:  # noqa: BLE001 - the reader boundary: one file must not end the run
            self.crashed(f"examining {path} crashed", error, path)

    def context(self, unit: Unit) -> Context:
        """What rules may know besides the facts of a unit."""
        return Context(self.joins.target(unit.path), self.config.trusted_globals, unit.explicit, self.config.strict)

    def examine_in_processes(self, units: Iterator[Unit]) -> None:
        """Examine the units in `jobs` processes of their own; the report does not depend on who did what."""
        from functools import partial

        from modeldoctor.parallel import shared_out

        work = partial(examined, joins=self.joins)
        for share in shared_out(self.projects_first(units), self.config, work):
            self.joins.judged = self.joins.judged or share.joins.judged
            self.subjects += share.subjects
            self.findings += share.findings
            self.skips += share.skips
            self.failures += share.failures
            self.ran |= share.ran
            self.fingerprints.update(share.fingerprints)

    def projects_first(self, units: Iterator[Unit]) -> Iterator[Unit]:
        """The units that are models; the projects, which decide their targets, are examined here and now."""
        for unit in units:
            if unit.project:
                self.examine(unit)
            else:
                yield unit

    def excluded(self, path: str) -> bool:
        """Whether the configuration excludes a path."""
        from modeldoctor.policy import excluded

        return excluded(self.config, path)

    def judge(self, subject: Subject, context: Context) -> None:
        """Let every selected rule for this type of fact judge it."""
        self.subjects.append(_in_words(subject))
        for rule in self.rules(type(subject.facts).__name__):
            self.apply(rule, subject, context)
        for part in getattr(subject.facts, "parts", ()):  # the models in an archive
            from modeldoctor.predict.torchserve.parts import answered

            settled = answered(subject.facts, part)
            for rule in self.rules(type(part).__name__):
                if rule.slug not in settled:
                    self.apply(rule, subject._replace(path=part.path, facts=part), context._replace(explicit=False))
        if context.target.gpus and type(subject.facts).__name__ == "Checkpoint" and subject.state == "understood":
            self.judge_memory(subject, context)

    def judge_memory(self, subject: Subject, context: Context) -> None:
        """Judge whether a model fits the GPUs of the target."""
        rules = self.rules("Memory")
        if not rules or not (subject.facts.tensors or subject.facts.shards):
            return
        from modeldoctor.predict.memory.target import memory_of

        try:
            fact = memory_of(subject.facts, context.target)
        except UsageError as error:
            for rule in rules:
                if "gpus" in rule.needs:
                    self.skip(rule, subject.path, str(error).partition(";")[0])
            return
        for rule in rules if fact is not None else ():
            self.apply(rule, subject._replace(facts=fact), context)

    def judge_together(self) -> None:
        """Judge what only a whole run shows: archives in one store, and the age of the tables."""
        archives = tuple(item.facts for item in self.subjects if type(item.facts).__name__ == "Archive")
        if archives:
            from modeldoctor.facts.archive import Store

            servers = {archive.server.path: archive.server for archive in archives if archive.server.path}
            store = Store(os.path.dirname(archives[0].path) or ".", archives, tuple(servers.values()))
            for rule in self.rules("Store"):
                self.apply(rule, Subject(store.path, "model store", "understood", store), Context(self.config.target))
        if tables := self.joins.tables():
            for rule in self.rules("Tables"):
                self.apply(rule, Subject(tables.path, "tables", "understood", tables), Context(self.config.target))

    def rules(self, fact_type: str) -> tuple[Rule, ...]:
        """The selected rules for a type of fact; only now are their families imported."""
        if fact_type not in self.chosen:
            rules = tuple(rule for rule in rules_for(fact_type) if rule.status != "preview" or self.config.preview)
            if any((self.config.select, self.config.extend_select, self.config.ignore, self.config.per_path)):
                from modeldoctor.policy import chosen

                rules = tuple(rule for rule in rules if chosen(rule, self.config))
            self.chosen[fact_type] = rules
        return self.chosen[fact_type]

    def apply(self, rule: Rule, subject: Subject, context: Context) -> None:
        """Run one rule on one fact and what lies inside; a crash is reported by name and the others still run."""
        if rule.needs and (missing := [need for need in rule.needs if getattr(context.target, need) is None]):
            self.skip(rule, subject.path, f"needs {' and '.join(missing)}, which is not known")
            return
        self.ran.add(rule.code)
        try:
            for hit in answers(rule, subject.facts, context):
                if isinstance(hit, Unjudged):
                    self.skip(rule, hit.path or subject.path, hit.reason)
                else:
                    self.keep(rule, subject.path, hit, getattr(subject.facts, "member", None))
        except Exception as error:  # noqa: BLE001 - the rule boundary: one broken rule must not hide the others
            self.crashed(f"rule {rule.code} {rule.slug} crashed", error, subject.path, rule.code)

    def skip(self, rule: Rule, path: str, reason: str) -> None:
        """Remember that a rule could not judge a fact."""
        self.skips.append(Skip(rule.code, path, reason))

    def crashed(self, what: str, error: Exception, path: str, code: str | None = None) -> None:
        """Remember an error of ours, with what is needed to report it."""
        import traceback

        message = f"{what}: {type(error).__name__}: {error}"
        self.failures.append(Failure(message, path, code, traceback.format_exc()))

    def keep(self, rule: Rule, path: str, hit: Hit, member: str | None = None) -> None:
        """Make the finding that a hit stands for, unless the configuration has no use for it at that place."""
        config = self.config
        where = hit.where or Where(path, member=member)
        severity = rule.severity if hit.severity is None else hit.severity
        if config.severity or config.per_path or config.exclude:
            from modeldoctor.policy import severity_of, wanted

            if not wanted(rule, config, where.path) or self.excluded(where.path):
                return
            severity = severity_of(rule, severity, config)
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
                url=rule.url,
                fingerprint=self.fingerprint(rule, where, hit.key),
                data=hit.data,
                key=hit.key,
            )
        )

    def fingerprint(self, rule: Rule, where: Where, key: str) -> str:
        """What identifies the finding in later runs: not its wording, nor its byte or line, which move."""
        identity = "\0".join((rule.code, where.path, where.member or "", key))
        # Equal identities are numbered, so that none hides another (GitLab merges equal fingerprints).
        self.fingerprints[identity] += 1
        text = f"{identity}\0{self.fingerprints[identity]}"
        digest: str = _sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return digest[:16]

    def settle(self, paths: tuple[str, ...]) -> None:
        """Hide what comments, the configuration and the baseline hide, and judge whether they are needed."""
        folders = tuple({item.path for item in self.subjects if os.path.isdir(item.path) and _is_source(item)})
        in_texts = any(finding.where.line for finding in self.findings)
        if not (folders or in_texts or self.config.suppress or self.config.baseline):
            return
        from modeldoctor.suppress import Scope, settle

        targets, subjects = tuple(map(shown_path, paths)), tuple(item.path for item in self.subjects)
        skipped = frozenset(skip.code for skip in self.skips if skip.code)
        try:
            settled = settle(
                self.findings, Scope(targets, subjects, folders, frozenset(self.ran), skipped), self.config
            )
        except UsageError as error:  # a baseline that is none
            self.failures.append(Failure(str(error)))
            return
        self.findings, self.baseline = settled.findings, settled.baseline
        self.notices += settled.notices
        context = Context(self.config.target)
        for fact in settled.suppressions:
            for rule in self.rules("Suppression"):
                self.apply(rule, Subject(fact.path, "suppression", "understood", fact), context)

    def report(self, seconds: float) -> Report:
        """Everything, in an order that does not depend on the order of work."""
        # What is below the shown severity is counted, unless it fails.
        shown = [item for item in self.findings if item.severity >= self.config.min_severity or self.fails(item)]
        if any(item.where.line for item in shown):
            from modeldoctor.excerpts import lines_of, with_snippet

            shown = [with_snippet(item) for item in shown]
            lines_of.cache_clear()
        return Report(
            subjects=tuple(sorted(self.subjects, key=lambda subject: subject.path)),
            findings=tuple(sorted(shown, key=_order)),
            skips=tuple(sorted(self.skips, key=lambda skip: (skip.path, skip.code or "", skip.reason))),
            failures=tuple(self.failures),
            target=chosen[0][1].target if (chosen := self.joins.chosen()) else self.config.target,
            fail_on=self.config.fail_on,
            rules_run=len(self.ran),
            seconds=seconds,
            hidden=sum(item.suppressed is None for item in self.findings)
            - sum(item.suppressed is None for item in shown),
            notices=tuple(self.notices),
            baseline=self.baseline,
            chosen=chosen,
        )

    def fails(self, finding: Finding) -> bool:
        """Whether a finding is one that the gate fails for."""
        fail_on = self.config.fail_on
        return finding.suppressed is None and fail_on is not None and finding.severity >= fail_on


def _in_words(subject: Subject) -> Subject:
    """The subject with its state as reports call it."""
    return subject._replace(state=_STATES.get(subject.state, subject.state))


def _is_source(subject: Subject) -> bool:
    """Whether a subject is a folder of texts, which may hold comments that suppress; a model is none."""
    from modeldoctor.facts.checkpoint import Checkpoint

    return not isinstance(subject.facts, Checkpoint)


def _unreadable(path: str, shown: str, error: ReadError) -> Subject:
    """The facts of a file that could not even be opened."""
    from modeldoctor.facts.checkpoint import Checkpoint, Problem

    try:
        size_bytes = os.stat(path).st_size
    except OSError:
        size_bytes = 0
    problem = Problem(error.kind, str(error), error.member, error.byte)
    facts = Checkpoint(shown, "unknown", "unreadable file", "unreadable", size_bytes, problems=(problem,))
    return Subject(shown, facts.format, facts.state, facts)


def _order(finding: Finding) -> tuple[Any, ...]:
    where = finding.where
    place = (where.line or 0, where.column or 0, where.member or "", where.byte or 0)
    return (where.path, -finding.severity, place, finding.code, finding.message)


def shown_path(path: str) -> str:
    """The path as every report prints it: relative when it lies below the working directory, always with `/`."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        relative = path
    if relative.split(os.sep, 1)[0] == os.pardir:
        relative = path
    return relative.replace(os.sep, "/")

"""What a configuration says about single rules and paths. Imported only for configurations that do."""

from collections.abc import Iterable, Iterator

from modeldoctor.config import Config, PathRules
from modeldoctor.errors import UsageError
from modeldoctor.findings import Severity
from modeldoctor.patterns import covers
from modeldoctor.rules.base import Rule
from modeldoctor.selection import current, names, require_known, selected


def names_in(config: Config) -> Iterator[str]:
    """The names of rules that a configuration uses."""
    yield from (*config.select, *config.extend_select, *config.ignore)
    yield from (name for name, _ in config.severity)
    for entry in config.per_path:
        yield from (*(entry.select or ()), *entry.extend_select, *entry.ignore)
    for suppression in config.suppress:
        yield from suppression.codes


def up_to_date(config: Config, rules: tuple[Rule, ...]) -> tuple[Config, list[str]]:
    """The configuration with the names of rules that are in use now, and what to tell; UsageError for unknown ones."""
    notices: list[str] = []

    def known(selectors: tuple[str, ...], place: str = "") -> tuple[str, ...]:
        found, said = current(selectors)
        notices.extend(f"{place}{text}" for text in said)
        try:
            require_known(found, rules)
        except UsageError as error:
            raise UsageError(f"{place}{error}") from error
        notices.extend(_of_status(found, rules, preview=config.preview))
        return found

    config = config._replace(
        select=known(config.select),
        extend_select=known(config.extend_select),
        ignore=known(config.ignore),
        severity=tuple((name, level) for given, level in config.severity for name in known((given,), "`severity`: ")),
        per_path=tuple(
            entry._replace(
                select=None if entry.select is None else known(entry.select, f"`per-path.{entry.pattern}`: "),
                extend_select=known(entry.extend_select, f"`per-path.{entry.pattern}`: "),
                ignore=known(entry.ignore, f"`per-path.{entry.pattern}`: "),
            )
            for entry in config.per_path
        ),
        suppress=tuple(entry._replace(codes=known(entry.codes, f"{entry.source}: ")) for entry in config.suppress),
    )
    return config, list(dict.fromkeys(notices))


def _of_status(selectors: tuple[str, ...], rules: tuple[Rule, ...], *, preview: bool) -> list[str]:
    """What to tell about rules that are named and don't run yet, or not for long."""
    named = [rule for rule in rules for name in selectors if name.upper() == rule.code or name.lower() == rule.slug]
    return [
        f"the rule `{rule.code}` is in preview: `--preview` runs it"
        for rule in named
        if rule.status == "preview" and not preview
    ] + [f"the rule `{rule.code}` is deprecated and will be removed" for rule in named if rule.status == "deprecated"]


def excluded(config: Config, path: str) -> bool:
    """Whether nothing is to be said about a path."""
    return any(covers(pattern, path, config.root) for pattern in config.exclude)


def chosen(rule: Rule, config: Config) -> bool:
    """Whether a rule is selected for the whole run or for some path."""
    return _selected(rule, config, ()) or any(_selected(rule, config, (entry,)) for entry in config.per_path)


def wanted(rule: Rule, config: Config, path: str) -> bool:
    """Whether a rule is selected for a path; of several entries that cover it the last word counts."""
    return _selected(rule, config, [entry for entry in config.per_path if covers(entry.pattern, path, config.root)])


def _selected(rule: Rule, config: Config, entries: Iterable[PathRules]) -> bool:
    """Whether a rule is selected where these entries are in force."""
    select, extend_select, ignore = config.select, config.extend_select, config.ignore
    for entry in entries:
        if entry.select is not None:
            select, extend_select, ignore = entry.select, (), ()
        extend_select += entry.extend_select
        ignore = tuple(name for name in ignore if name not in entry.extend_select) + entry.ignore
    return selected(rule, select, extend_select, ignore)


def severity_of(rule: Rule, given: Severity, config: Config) -> Severity:
    """How severe a finding is: as the most specific of the configuration's names says, else as given."""
    weights = [
        (rule.code == name.upper() or rule.slug == name.lower(), len(name), level)
        for name, level in config.severity
        if names(rule.code, rule.slug, name)
    ]
    return max(weights)[2] if weights else given

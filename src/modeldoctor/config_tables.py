"""The tables of a configuration file: severities, selections per path, suppressions."""

from collections.abc import Iterator
from typing import Any

from modeldoctor.config import PathRules
from modeldoctor.config_file import ConfigFile
from modeldoctor.errors import UsageError
from modeldoctor.facts.suppression import Suppression
from modeldoctor.findings import Severity
from modeldoctor.wording import did_you_mean

_SEVERITIES = {str(severity): severity for severity in Severity}


def parse(key: str, value: Any, file: ConfigFile) -> tuple[Any, ...]:
    """The entries of one of the tables; UsageError names the place of what is wrong."""
    read = {"severity": _severity, "per-path": _per_path, "suppress": _suppress}[key]
    return tuple(read(value, file))


def _severity(value: Any, file: ConfigFile) -> Iterator[tuple[str, Severity]]:
    """`severity = { MDR220 = "error" }`."""
    source = file.source("severity")
    for selector, name in _table(value, f"{source}: `severity`").items():
        if not isinstance(name, str) or name not in _SEVERITIES:
            raise UsageError(f"{source}: `severity.{selector}` must be error, warning or info, not `{name}`")
        yield selector, _SEVERITIES[name]


def _per_path(value: Any, file: ConfigFile) -> Iterator[PathRules]:
    """`per-path."legacy/**" = { ignore = ["MDR2"] }`."""
    source = file.source("per-path")
    for pattern, entry in _table(value, f"{source}: `per-path`").items():
        place = f"{source}: `per-path.{pattern}`"
        table = _known(_table(entry, place), ("select", "extend-select", "ignore"), place)
        lists = {key: _texts(item, f"{place}: `{key}`") for key, item in table.items()}
        yield PathRules(pattern, lists.get("select"), lists.get("extend-select", ()), lists.get("ignore", ()))


def _suppress(value: Any, file: ConfigFile) -> Iterator[Suppression]:
    """`[[suppress]]` with `path`, `codes`, `reason` and perhaps `until`."""
    from modeldoctor.config import KEYS

    if not isinstance(value, list):
        raise UsageError(f"{file.source('suppress')}: `suppress` must be tables: [[tool.modeldoctor.suppress]]")
    for number, entry in enumerate(value):
        line = file.line_of("suppress", number) or file.line_of("suppress")
        source = f"{file.shown}:{line}" if line else file.shown
        place = f"{source}: `suppress`"
        table = _known(_table(entry, place), ("path", "codes", "reason", "until"), place)
        for key, wanted in (("path", "the pattern of the paths"), ("reason", "why, for whoever reads it next")):
            if not isinstance(table.get(key), str) or not table[key].strip():
                raise UsageError(f"{place} needs `{key}`: {wanted}")
        if "codes" not in table:
            raise UsageError(f"{place} needs `codes`: the list of rules")
        until = KEYS["as-of"].parse(table["until"]) if "until" in table else ""
        if until is None:
            raise UsageError(f"{place}: `until` must be a day such as 2026-12-31, not `{table['until']}`")
        codes = _texts(table["codes"], f"{place}: `codes`")
        yield Suppression(
            "config", file.shown, line, codes, pattern=table["path"], reason=table["reason"].strip(), until=until
        )


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{place} must be a table, not `{value}`")
    return value


def _known(table: dict[str, Any], keys: tuple[str, ...], place: str) -> dict[str, Any]:
    for key in table:
        if key not in keys:
            raise UsageError(f"{place}: unknown key `{key}`{did_you_mean(key, list(keys))}")
    return table


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise UsageError(f"{place} must be a list of codes, prefixes or slugs, not `{value}`")
    return tuple(value)

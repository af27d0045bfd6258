"""The settings of a run: defaults < configuration file < flags.

The file is the nearest `modeldoctor.toml`, or `pyproject.toml` with a `[tool.modeldoctor]` table, in the working
directory or a folder above it. To add a key: a line in `KEYS`, a field of `Config` or `Target` of that name, and its
line in `schemas/config-v1.json` and `docs/configuration.md`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from modeldoctor.errors import UsageError
from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Severity

if TYPE_CHECKING:
    from modeldoctor.config_file import ConfigFile
    from modeldoctor.facts.suppression import Suppression


class PathRules(NamedTuple):
    """A different selection of rules for the paths that match a pattern; `select` None: that of the run."""

    pattern: str
    select: tuple[str, ...] | None
    extend_select: tuple[str, ...]
    ignore: tuple[str, ...]


class Config(NamedTuple):
    """Everything that decides a run. `fail_on` None means never.

    Patterns for paths are relative to `root`, the folder of the configuration file (empty: the working directory).
    `as_of` is the day (ISO 8601) on which suppressions are judged; None: today.
    """

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = Severity.ERROR
    min_severity: Severity = Severity.INFO
    strict: bool = False
    sha256: bool = False
    allow_empty: bool = False
    trusted_globals: tuple[str, ...] = ()
    target: Target = Target()
    preview: bool = False
    exclude: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()
    cached_getters: tuple[str, ...] = ()
    severity: tuple[tuple[str, Severity], ...] = ()
    per_path: tuple[PathRules, ...] = ()
    suppress: "tuple[Suppression, ...]" = ()
    baseline: str | None = None
    as_of: str | None = None
    root: str = ""
    ts_config: str | None = None
    jobs: int = 1
    project: str | None = None
    interpreter: str | None = None


class Setting(NamedTuple):
    """A parsed value and the place it was learned from: `--torch`, `pyproject.toml:12`."""

    value: Any
    source: str


class Settings(NamedTuple):
    """Every key that was set, with its source, and the configuration files they came from, the most general first."""

    values: dict[str, Setting]
    files: tuple[str, ...]
    root: str


def resolve(flags: Mapping[str, Any], *, file: str | None = None, search: bool = True) -> Config:
    """The configuration of a run; UsageError for whatever is wrong in the flags or the file.

    `flags` maps names of `KEYS` with `_` to what was given; None and empty lists were not given. `file` is a
    configuration that the user named; without it one is searched for unless `search` is False.
    """
    found = settings(flags, file=file, search=search)
    fields = {
        key.replace("-", "_"): setting.value
        for key, setting in found.values.items()
        if key not in TARGET_KEYS and key not in {"extend", "required-version"}
    }
    return Config(**fields, target=_target(found.values), root=found.root)


def settings(flags: Mapping[str, Any], *, file: str | None = None, search: bool = True) -> Settings:
    """The settings that are in force, each with the place it was learned from."""
    given = {
        key: Setting(_parse(key, value, f"--{key}"), f"--{key}")
        for key in KEYS
        if (value := flags.get(key.replace("-", "_"))) not in (None, [], ())
    }
    files: tuple[ConfigFile, ...] = ()
    if file or search:
        from modeldoctor.config_file import read_files

        files = read_files(file, search=search)
    _require_versions(files)
    merged: dict[str, Setting] = {}
    for each in files:
        merged = _over(merged, dict(_settings_of(each)))
    root = os.path.dirname(os.path.abspath(files[-1].path)) if files else ""
    return Settings(_over(merged, given), tuple(each.path for each in files), root)


def _over(under: dict[str, Setting], above: dict[str, Setting]) -> dict[str, Setting]:
    """What is in force when `above` is laid over `under`: lists and tables add up, other values win."""
    added = {
        key: Setting(under[key].value + above[key].value, f"{under[key].source}, {above[key].source}")
        for key in ADDING & under.keys() & above.keys()
    }
    return {**under, **above, **_selection(under, above), **added}


def _selection(found: Mapping[str, Setting], given: Mapping[str, Setting]) -> dict[str, Setting]:
    """Flags add to the file's `extend-select` and `ignore`; `--select` starts afresh, `--extend-select` un-ignores."""
    if "select" in given:
        found = {}
    nothing = Setting((), "")
    extended = given.get("extend-select", nothing).value
    merged = {
        "extend-select": found.get("extend-select", nothing).value + extended,
        "ignore": tuple(
            selector for selector in found.get("ignore", nothing).value if selector not in extended
        ) + given.get("ignore", nothing).value,
    }  # fmt: skip
    return {
        key: Setting(value, ", ".join(each[key].source for each in (found, given) if key in each))
        for key, value in merged.items()
    }


def _require_versions(files: "tuple[ConfigFile, ...]") -> None:
    """UsageError when a file asks for another release than this, before anything else in it is looked at."""
    for file in files:
        wanted = file.table.get("required-version")
        if wanted is None:
            continue
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        from modeldoctor import DISTRIBUTION, __version__

        try:
            fits = SpecifierSet(wanted).contains(__version__, prereleases=True)
        except (InvalidSpecifier, TypeError, AttributeError) as error:
            place = file.source("required-version")
            raise UsageError(
                f"{place}: `required-version` must be a specifier such as >=0.1, not `{wanted}`"
            ) from error
        if not fits:
            place = file.source("required-version")
            raise UsageError(
                f"{place}: modeldoctor {wanted} is required, this is {__version__}: "
                f"`pip install '{DISTRIBUTION}{wanted}'`"
            )


def _settings_of(file: "ConfigFile") -> Iterator[tuple[str, Setting]]:
    """The keys of one configuration file with parsed values."""
    for key, value in file.table.items():
        source = file.source(key)
        known = FILE_KEYS.union(KEYS) - FLAG_KEYS
        if key not in known:
            from modeldoctor.wording import did_you_mean

            raise UsageError(f"{source}: unknown key `{key}`{did_you_mean(key, sorted(known))}")
        if key in TABLES:
            from modeldoctor import config_tables

            yield key, Setting(config_tables.parse(key, value, file), source)
        elif key in {"baseline", "ts-config", "project", "interpreter"} and isinstance(value, str) and value:
            yield key, Setting(os.path.join(os.path.dirname(file.path), value), source)
        elif key in KEYS:
            yield key, Setting(_parse(key, value, f"{source}: `{key}`"), source)
        else:
            yield key, Setting(value, source)


# --------------------------------------------------------------------------- the target


def _target(settings: Mapping[str, Setting]) -> Target:
    """The environment that is judged."""
    versions = {
        key: Value(settings[key].value, settings[key].source)
        for key in ("torch", "python", "numpy", "cuda", "driver", "platform")
        if key in settings
    }
    gpus = None
    if "gpu" in settings:
        names, source = settings["gpu"]
        gpus = tuple(Value(name, source) for name in names if name != "none")
    return Target(**versions, gpus=gpus)


# --------------------------------------------------------------------------- the keys


def _parse(key: str, value: Any, place: str) -> Any:
    """The value of a key, checked; UsageError names the place and what it must be."""
    kind = KEYS[key]
    parsed = kind.parse(value)
    if parsed is None:
        raise UsageError(f"{place} must be {kind.wanted}, not `{value}`")
    return None if parsed is _NEVER else parsed


class Kind(NamedTuple):
    """How a value is read (None: wrong) and what to say when it is wrong."""

    parse: Callable[[Any], Any]
    wanted: str


_NEVER = object()


def _severity(value: Any) -> Severity | None:
    names = {str(severity): severity for severity in Severity}
    return names.get(value) if isinstance(value, str) else None


def _threshold(value: Any) -> object:
    return _NEVER if value == "never" else _severity(value)


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    """The texts of a list, each possibly several with commas between."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        return None
    texts = tuple(text.strip() for item in value for text in item.split(","))
    return texts if all(texts) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _day(value: Any) -> str | None:
    """A day in ISO 8601, as TOML's date or as text."""
    from datetime import date

    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        return None


def _version(value: Any) -> str | None:
    from packaging.version import InvalidVersion, Version

    try:
        return str(Version(value)) if isinstance(value, str) else None
    except InvalidVersion:
        return None


def _cuda(value: Any) -> str | None:
    """`12.4`, `cpu`, or the tag of a wheel: `cu124` is 12.4."""
    if not isinstance(value, str) or value.lower() == "cpu":
        return value.lower() if isinstance(value, str) else None
    tag = value.lower().removeprefix("cu")
    if tag != value.lower() and tag.isascii() and tag.isdecimal() and len(tag) > 1:
        return f"{tag[:-1]}.{tag[-1]}"
    return _version(value)


def _gpus(value: Any) -> tuple[str, ...] | None:
    """GPU names; `none` stands alone for a host without one."""
    names = _texts([value] if isinstance(value, str) else value)
    if names is None:
        return None
    names = tuple(name.lower() for name in names)
    return None if "none" in names and len(set(names)) > 1 else names


def _jobs(value: Any) -> int | None:
    """A number of processes."""
    return value if type(value) is int and 1 <= value <= 64 else None


_SELECTORS = Kind(_texts, "a list of codes, prefixes or slugs")

# Every key, in the file as it stands here, as a flag with `--`.
KEYS: dict[str, Kind] = {
    "select": _SELECTORS,
    "extend-select": _SELECTORS,
    "ignore": _SELECTORS,
    "fail-on": Kind(_threshold, "error, warning, info or never"),
    "min-severity": Kind(_severity, "error, warning or info"),
    "strict": Kind(_flag, "true or false"),
    "sha256": Kind(_flag, "true or false"),
    "allow-empty": Kind(_flag, "true or false"),
    "trusted-globals": Kind(_texts, "a list of patterns such as `shop.nets.*`"),
    "preview": Kind(_flag, "true or false"),
    "exclude": Kind(_texts, "a list of patterns for paths"),
    "loaders": Kind(_texts, "a list of dotted names such as `shop.ml.load`"),
    "cached-getters": Kind(_texts, "a list of dotted names such as `shop.cache.once`"),
    "baseline": Kind(_text, "a path"),
    "as-of": Kind(_day, "a day such as 2026-12-31"),
    "ts-config": Kind(_text, "a path"),
    "jobs": Kind(_jobs, "a number from 1 to 64"),
    "torch": Kind(_version, "a release such as 2.6.0"),
    "python": Kind(_version, "a version such as 3.11"),
    "numpy": Kind(_version, "a release such as 1.26.4"),
    "driver": Kind(_text, "a driver version such as 550.54.15"),
    "platform": Kind(_text, "a platform such as linux/arm64"),
    "project": Kind(_text, "a folder"),
    "interpreter": Kind(_text, "the path of a Python"),
    "cuda": Kind(_cuda, "a version such as 12.4, or cpu"),
    "gpu": Kind(_gpus, "names such as t4, or none"),
}

# Those that describe the target.
TARGET_KEYS = frozenset({"torch", "python", "numpy", "cuda", "driver", "platform", "gpu"})

# Those that only a file can hold: tables, and what is settled before anything else is read.
TABLES = frozenset({"severity", "per-path", "suppress"})
FILE_KEYS = TABLES | {"extend", "required-version"}

# Those that only a flag can hold: a day in a file would keep suppressions from ever expiring.
FLAG_KEYS = frozenset({"as-of"})

# Lists and tables that add up over files and flags; of other keys the last value wins.
ADDING = frozenset({"trusted-globals", "exclude", "loaders", "cached-getters", *TABLES})

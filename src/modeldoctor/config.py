"""The settings of a run: defaults < configuration file < flags.

The file is the nearest `modeldoctor.toml`, or `pyproject.toml` with a `[tool.modeldoctor]` table, in the working
directory or a folder above it. To add a key: a line in `KEYS`, and a field of `Config` or `Target` of that name.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from modeldoctor.errors import UsageError
from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Severity

# A configuration is written by hand; what is larger is some other file.
FILE_LIMIT = 4 << 20


class Config(NamedTuple):
    """Everything that decides a run. `fail_on` None means never."""

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


class Setting(NamedTuple):
    """A parsed value and the place it was learned from: `--torch`, `pyproject.toml:12`."""

    value: Any
    source: str


def resolve(flags: Mapping[str, Any], *, file: str | None = None, search: bool = True) -> Config:
    """The configuration of a run; UsageError for whatever is wrong in the flags or the file.

    `flags` maps names of `KEYS` with `_` to what was given; None and empty lists were not given. `file` is a
    configuration that the user named; without it one is searched for unless `search` is False.
    """
    given = {
        key: Setting(_parse(key, value, f"--{key}"), f"--{key}")
        for key in KEYS
        if (value := flags.get(key.replace("-", "_"))) not in (None, [], ())
    }
    found = dict(_read_file(file, search=search))
    settings = {**found, **given, **_selection(found, given)}
    fields = {key.replace("-", "_"): setting.value for key, setting in settings.items() if key not in TARGET_KEYS}
    return Config(**fields, target=_target(settings))


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
    return {key: Setting(value, "") for key, value in merged.items()}


# --------------------------------------------------------------------------- the target


def _target(settings: Mapping[str, Setting]) -> Target:
    """The environment that is judged."""
    versions = {
        key: Value(settings[key].value, settings[key].source)
        for key in ("torch", "python", "numpy", "cuda")
        if key in settings
    }
    gpus = None
    if "gpu" in settings:
        names, source = settings["gpu"]
        gpus = tuple(Value(name, source) for name in names if name != "none")
    return Target(**versions, gpus=gpus)


# --------------------------------------------------------------------------- the file


def _read_file(file: str | None, *, search: bool) -> Iterator[tuple[str, Setting]]:
    """The keys of the configuration file with parsed values."""
    path = file or (_nearest() if search else None)
    if path is None:
        return
    text = _text(path)
    table = _table(path, text, named=file is not None)
    name = os.path.basename(path)
    for key, value in table.items():
        line = _line_of(key, text)
        source = f"{name}:{line}" if line else name
        if key not in KEYS:
            from modeldoctor.selection import did_you_mean

            raise UsageError(f"{source}: unknown key `{key}`{did_you_mean(key, list(KEYS))}")
        yield key, Setting(_parse(key, value, f"{source}: `{key}`"), source)


def _nearest() -> str | None:
    """The configuration that is in force for the working directory."""
    folder = os.getcwd()
    while True:
        path = os.path.join(folder, "modeldoctor.toml")
        if os.path.isfile(path):
            return path
        path = os.path.join(folder, "pyproject.toml")
        # Parsing is left to those that mention us: importing tomllib costs as much as reading a checkpoint.
        if os.path.isfile(path) and "modeldoctor" in _text(path) and _table(path, _text(path), named=False):
            return path
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _text(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            content = stream.read(FILE_LIMIT + 1)
    except OSError as error:
        raise UsageError(f"cannot read the configuration {path}: {error.strerror}") from error
    if len(content) > FILE_LIMIT:
        raise UsageError(f"{path} is larger than {FILE_LIMIT >> 20} MiB: no configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start})") from error


def _table(path: str, text: str, *, named: bool) -> dict[str, Any]:
    """Our table of a TOML text; `named`: the user gave this very file, so it has to have one."""
    import tomllib

    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    if os.path.basename(path) != "pyproject.toml":
        return content
    tools = content.get("tool")
    table = tools.get("modeldoctor") if isinstance(tools, dict) else None
    if table is None and named:
        raise UsageError(f"{path} has no [tool.modeldoctor] table")
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: `tool.modeldoctor` must be a table")
    return table or {}


def _line_of(key: str, text: str) -> int | None:
    """The line of a key in TOML text, as far as a look tells: in our table when there is one."""
    start = max(text.find("[tool.modeldoctor]"), 0)
    for number, content in enumerate(text.splitlines(), 1):
        if number > text.count("\n", 0, start) and content.split("=")[0].strip().strip("\"'") == key:
            return number
    return None


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
    "torch": Kind(_version, "a release such as 2.6.0"),
    "python": Kind(_version, "a version such as 3.11"),
    "numpy": Kind(_version, "a release such as 1.26.4"),
    "cuda": Kind(_cuda, "a version such as 12.4, or cpu"),
    "gpu": Kind(_gpus, "names such as t4, or none"),
}

# Those that describe the target.
TARGET_KEYS = frozenset({"torch", "python", "numpy", "cuda", "gpu"})

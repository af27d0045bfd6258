"""The configuration file: which one is in force, what it says at which line, and the ones that it extends."""

import os
from typing import Any, NamedTuple

from modeldoctor.errors import UsageError

# A configuration is written by hand; what is larger is some other file.
FILE_LIMIT = 4 << 20

# So many files may extend one another.
EXTEND_LIMIT = 8


class ConfigFile(NamedTuple):
    """The table of one file. `shown` is its name in messages."""

    path: str
    shown: str
    text: str
    table: dict[str, Any]

    def source(self, key: str) -> str:
        """`pyproject.toml:12`: where a key is set."""
        line = self.line_of(key)
        return f"{self.shown}:{line}" if line else self.shown

    def line_of(self, key: str, nth: int = 0) -> int | None:
        """The line of a key, or of its nth table, as far as a look tells: in our table when there is one."""
        start = self.text.count("\n", 0, max(self.text.find("[tool.modeldoctor"), 0))
        tables = {f"[tool.modeldoctor.{key}", f"[[tool.modeldoctor.{key}", f"[{key}", f"[[{key}"}
        found = 0
        for number, content in enumerate(self.text.splitlines(), 1):
            line = content.strip()
            name = line.split("=")[0].strip().strip("\"'")
            opens = any(line.startswith((f"{table}]", f"{table}.")) for table in tables)
            if number > start and (name == key or name.startswith(f"{key}.") or opens):
                if found == nth:
                    return number
                found += 1
        return None


def read_files(file: str | None, *, search: bool) -> tuple[ConfigFile, ...]:
    """The file that is in force and those it extends, the most general first. `file`: the one that the user named."""
    path = file or (_nearest() if search else None)
    files: list[ConfigFile] = []
    while path is not None:
        text = _text(path)
        shown = files[-1].table["extend"] if files else os.path.basename(path)
        found = ConfigFile(path, shown, text, _table(path, text, named=bool(file or files)))
        if any(os.path.realpath(path) == os.path.realpath(other.path) for other in files):
            raise UsageError(f"{files[-1].source('extend')}: `extend` leads back to {path}")
        files.append(found)
        if len(files) > EXTEND_LIMIT:
            raise UsageError(f"{found.source('extend')}: more than {EXTEND_LIMIT} configurations extend one another")
        path = _extended(found)
    return tuple(reversed(files))


def _extended(file: ConfigFile) -> str | None:
    """The file that `extend` names: a path relative to the file it stands in, or `package:path`."""
    value = file.table.get("extend")
    if value is None:
        return None
    if not isinstance(value, str) or not value:
        raise UsageError(f"{file.source('extend')}: `extend` must be a path or package:path, not `{value}`")
    package, colon, inside = value.partition(":")
    if not colon or not package.isidentifier() or len(package) == 1:  # C:\ is a drive
        path = os.path.join(os.path.dirname(file.path), os.path.expanduser(value))
    else:
        path = os.path.join(_package_folder(package, file), inside)
    if not os.path.isfile(path):
        raise UsageError(f"{file.source('extend')}: `extend` names {path}, which is no file")
    return path


def _package_folder(package: str, file: ConfigFile) -> str:
    """The folder of an installed package, which is found without importing it."""
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise UsageError(
            f"{file.source('extend')}: the package `{package}` is not installed beside modeldoctor "
            f"(`pipx inject torch-modeldoctor {package}`)"
        )
    return folders[0]


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

"""pyproject.toml: PEP 621, dependency groups (PEP 735), Poetry, uv, PDM and Hatch."""

from modeldoctor.facts.pins import Flaw, Index, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import entries, toml
from modeldoctor.readers.project.manifests.poetry import poetry_pin
from modeldoctor.readers.project.manifests.text import MAX_ENTRIES
from modeldoctor.readers.project.manifests.toml import Statement


def read(text: str, path: str) -> Manifest:
    """The manifest of a pyproject.toml."""
    reader = _Reader(path)
    for statement in toml.statements(text.splitlines(), path, reader.flaws):
        if len(reader.pins) < MAX_ENTRIES:
            reader.take(statement)
    return reader.manifest()


class _Reader:
    """What the statements of one file add up to."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.pins: list[Pin] = []
        self.flaws: list[Flaw] = []
        self.options: list[str] = []
        self.dynamic: int | None = None
        self.indexes: dict[tuple[str, int], dict[str, Statement]] = {}
        self.sources: dict[str, Statement] = {}

    def take(self, statement: Statement) -> None:
        """One statement, if it says something about packages."""
        match statement.path:
            case ("project", "requires-python"):
                self.python(statement)
            case ("project", "dependencies"):
                self.requirements(statement, "")
            case ("project", "optional-dependencies", group) | ("dependency-groups", group):
                self.requirements(statement, group)
            case ("project", "dynamic"):
                if "dependencies" in (toml.value(statement) or ()):
                    self.dynamic = statement.line
            case ("tool", "uv", "index" | "pip" as which, key) if which == "pip" or statement.element >= 0:
                self.uv_index(statement, key) if which == "index" else self.uv_option(statement, key)
            case ("tool", "uv", "sources", name):
                self.sources[entries.canonical(name)] = statement
            case ("tool", "uv", "constraint-dependencies" | "override-dependencies"):
                self.requirements(statement, "", role="constraint")
            case ("tool", "uv", "dev-dependencies"):
                self.requirements(statement, "dev")
            case ("tool", "uv", key):
                self.uv_option(statement, key)
            case ("tool", "pdm", "dev-dependencies", group):
                self.requirements(statement, group)
            case ("tool", "pdm" | "poetry", "source", key):
                self.indexes.setdefault((statement.table[1], statement.element), {})[key] = statement
            case ("tool", "hatch", "envs", group, "dependencies" | "extra-dependencies"):
                self.requirements(statement, f"hatch:{group}")
            case ("tool", "poetry", *rest):
                self.poetry(statement, rest)
            case _:
                pass

    def requirements(self, statement: Statement, group: str, role: str = "requirement") -> None:
        """A list of PEP 508 texts."""
        for text, line in toml.strings(statement):
            # `{include-group = "gpu"}` leaves its key unquoted; its value is no requirement with a version.
            pin = entries.parse(text, self.path, line, group=group, role=role)
            if pin is not None and not _is_include(statement, text):
                self.pins.append(pin)

    def python(self, statement: Statement) -> None:
        """`requires-python`."""
        text = toml.value(statement)
        if isinstance(text, str):
            self.pins.append(Pin("python", text, text, self.path, statement.line))

    def poetry(self, statement: Statement, rest: list[str]) -> None:
        """`[tool.poetry.dependencies]`, `[tool.poetry.group.X.dependencies]`, `[tool.poetry.dev-dependencies]`."""
        match rest:
            case ["dependencies", name, *more]:
                group = ""
            case ["dev-dependencies", name, *more]:
                group = "dev"
            case ["group", group, "dependencies", name, *more]:
                pass
            case _:
                return
        if not more or more == ["version"]:  # `torch = {…}`, or a table of its own
            self.pins.extend(poetry_pin(name, toml.value(statement), self.path, statement.line, group))

    def uv_index(self, statement: Statement, key: str) -> None:
        """One line of `[[tool.uv.index]]`."""
        self.indexes.setdefault(("uv", statement.element), {})[key] = statement

    def uv_option(self, statement: Statement, key: str) -> None:
        """`[tool.uv]` and `[tool.uv.pip]` settings that choose where packages come from."""
        roles = {"index-url": "index", "extra-index-url": "extra", "find-links": "find-links"}
        if key == "torch-backend":
            self.options.append(f"torch-backend={toml.value(statement)}@{statement.line}")
        elif key in roles:
            for url, line in toml.strings(statement):
                self.indexes[(roles[key], line)] = {"url": statement._replace(raw=f'"{url}"', line=line)}

    def manifest(self) -> Manifest:
        """The result: pins with their sources, and all indexes."""
        flaws = list(self.flaws)
        if self.dynamic is not None:
            message = "the dependencies are dynamic: another file or the build names them"
            flaws.append(Flaw("dynamic", message, self.path, self.dynamic))
        indexes = tuple(index for key, rows in self.indexes.items() if (index := _index(key[0], rows, self.path)))
        pins = tuple(sourced for pin in self.pins for sourced in self.sourced(pin))
        tool = "uv" if any(key[0] == "uv" for key in self.indexes) or self.sources or self.options else "pip"
        if any(pin.manager == "poetry" for pin in pins):
            tool = "poetry"
        step = Step(tool, self.path, None, pins, indexes, options=tuple(self.options))
        fatal = [flaw for flaw in flaws if flaw.fatal]
        state = "understood" if not fatal else "partly understood" if pins else "not understood"
        return Manifest(self.path, "pyproject", state, step, flaws=tuple(flaws))

    def sourced(self, pin: Pin) -> list[Pin]:
        """A pin once for each uv source that it may come from (they differ by marker or extra)."""
        statement = self.sources.get(pin.name)
        if statement is None or pin.origin or pin.url:
            return [pin]
        found = toml.value(statement)
        rows = found if isinstance(found, list) else [found]
        return [_with_source(pin, row) for row in rows if isinstance(row, dict)] or [pin]


def _is_include(statement: Statement, text: str) -> bool:
    return "include-group" in statement.raw and any(
        isinstance(item, dict) and item.get("include-group") == text for item in toml.value(statement) or ()
    )


def _with_source(pin: Pin, row: dict[str, object]) -> Pin:
    """The pin as one row of `[tool.uv.sources]` places it."""
    if isinstance(row.get("url"), str):
        found = entries.parse_url(str(row["url"]), pin.text, pin.path, pin.line)
        pin = pin._replace(url=str(row["url"]))
        if found is not None:
            pin = pin._replace(version=found.version, specifier=found.specifier, variant=found.variant)
    marker = " and ".join(f"({text})" for text in (pin.marker, row.get("marker")) if text)
    # A source for an extra or group holds only when that extra is chosen.
    group = str(row.get("extra") or row.get("group") or pin.group)
    return pin._replace(origin=str(row.get("index") or pin.origin), marker=marker, group=group)


def _index(kind: str, rows: dict[str, Statement], path: str) -> Index | None:
    """One index from its statements."""
    if "url" not in rows:
        return None
    fields = {key: toml.value(statement) for key, statement in rows.items()}
    url = fields["url"]
    if not isinstance(url, str):
        return None
    if kind == "uv":
        # uv searches an index that isn't explicit before the default one.
        role = "named" if fields.get("explicit") else "index" if fields.get("default") else "extra"
    elif kind in {"poetry", "pdm"}:
        role = "named" if fields.get("priority") == "explicit" else "extra"
    else:
        role = kind
    return Index(url, role, path, rows["url"].line, str(fields.get("name") or ""))

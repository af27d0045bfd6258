"""Lock files: uv.lock, poetry.lock, pdm.lock, pylock.toml (PEP 751) and Pipfile.lock. Long, and read line by line."""

import json
import re
from typing import Any

from modeldoctor.facts.pins import Flaw, Index, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import toml
from modeldoctor.readers.project.manifests.entries import canonical, variant_of
from modeldoctor.readers.project.manifests.text import MAX_ENTRIES
from modeldoctor.readers.project.manifests.toml import Statement

_TOOLS = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "pylock": "pip"}
# The array of tables that holds the packages, and the keys that matter in it.
_KEYS = {"name", "version", "source", "resolution-markers", "markers", "marker", "groups", "url", "index", "wheel"}
_URL = re.compile(r"""\burl\s*=\s*["']([^"']+)""")


def read_toml(text: str, path: str, kind: str) -> Manifest:
    """The manifest of a TOML lock file of this kind."""
    flaws: list[Flaw] = []
    pins: list[Pin] = []
    pythons: list[Pin] = []
    table = "packages" if kind == "pylock" else "package"
    package: dict[str, Statement] = {}
    element = -1
    extras = _Extras()
    for statement in toml.statements(text.splitlines(), path, flaws):
        if statement.table[:1] == (table,):
            if statement.element != element:
                pins.extend(_pin(package, kind, path))
                package, element = {}, statement.element
            key = ".".join((*statement.table[1:], *statement.key))
            extras.take(key, statement)
            if key in _KEYS or key.startswith("source.") or (key == "wheels" and "name" in package):
                package.setdefault(key, statement)
        elif statement.path in {("requires-python",), ("metadata", "requires_python"), ("metadata", "python-versions")}:
            pythons.extend(_python(statement, path))
        if len(pins) >= MAX_ENTRIES:
            flaws.append(
                Flaw("limit", f"more than {MAX_ENTRIES} packages; the rest was not read", path, statement.line)
            )
            break
    pins.extend(_pin(package, kind, path))
    pins = extras.applied(pins)
    step = Step(_TOOLS[kind], path, None, (*pythons, *pins))
    state = "understood" if not flaws else "partly understood" if pins else "not understood"
    return Manifest(path, kind, state, step, flaws=tuple(flaws))


class _Extras:
    """Which version of a package belongs to which extra of the project itself, where a uv.lock has several."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str], list[str]] = {}
        self.main: set[tuple[str, str]] = set()

    def take(self, key: str, statement: Statement) -> None:
        """`dependencies`, `optional-dependencies.gpu`, `dev-dependencies.test` of any package of the lock."""
        section, _, group = key.partition(".")
        if (
            section not in {"dependencies", "optional-dependencies", "dev-dependencies"}
            or "version" not in statement.raw
        ):
            return
        if section == "dependencies" and "torch" not in statement.raw:
            return
        for row in toml.value(statement) or ():
            if isinstance(row, dict) and isinstance(row.get("version"), str):
                named = (canonical(str(row.get("name"))), row["version"])
                if section == "dependencies":
                    self.main.add(named)
                else:
                    self.groups.setdefault(named, []).append(group)

    def applied(self, pins: list[Pin]) -> list[Pin]:
        """Each pin of a package with several versions once for every extra that it belongs to."""
        found = []
        for pin in pins:
            groups = self.groups.get((pin.name, pin.version), [])
            if not groups or (pin.name, pin.version) in self.main:
                found.append(pin)
            else:
                found.extend(pin._replace(group=group) for group in dict.fromkeys(groups))
        return found


def _python(statement: Statement, path: str) -> list[Pin]:
    text = toml.value(statement)
    return [Pin("python", text, text, path, statement.line)] if isinstance(text, str) and text != "*" else []


def _pin(package: dict[str, Statement], kind: str, path: str) -> list[Pin]:
    """The pin of one package; none for what has no version (the project itself, a folder)."""
    name, version = (toml.value(package[key]) if key in package else None for key in ("name", "version"))
    if not isinstance(name, str) or not isinstance(version, str):
        return []
    source = _source(package)
    variant = variant_of(version) or variant_of(source)
    if not variant and name.lower() in {"torch", "torchvision", "torchaudio"} and "wheels" in package:
        # pdm and pylock name the index nowhere, the wheels do.
        url = _URL.search(package["wheels"].raw)
        variant = variant_of(url[1]) if url else ""
    markers = _markers(package)
    return [
        Pin(
            name=canonical(name),
            specifier=f"=={version}",
            text=f"{name} {version}",
            path=path,
            line=package["version"].line,
            version=version,
            variant=variant,
            marker=markers,
            origin=source,
            group=_group(package),
            role="locked",
            manager=_TOOLS[kind],
        )
    ]


def _source(package: dict[str, Statement]) -> str:
    """Where a package comes from: the URL of its index or file."""
    if "source" in package:  # uv: source = { registry = "…" } | { url = "…" } | { git = "…" }
        found = toml.value(package["source"])
        if isinstance(found, dict):
            return str(found.get("registry") or found.get("url") or found.get("git") or "")
    for key in ("source.url", "index", "url"):  # [package.source] of poetry, index of pylock, url of pdm
        if key in package and isinstance(found := toml.value(package[key]), str):
            return found
    return ""


def _markers(package: dict[str, Statement]) -> str:
    if "resolution-markers" in package:  # uv: any of them
        found = [text for text, _ in toml.strings(package["resolution-markers"])]
        return " or ".join(f"({text})" for text in found)
    for key in ("markers", "marker"):
        if key in package:
            found = toml.value(package[key])
            if isinstance(found, str):
                return found
            if isinstance(found, dict):  # poetry 2: by group
                return str(found.get("main") or "")
    return ""


def _group(package: dict[str, Statement]) -> str:
    """`""` when the package belongs to the main group (or the lock doesn't say)."""
    if "groups" not in package:
        return ""
    groups = [text for text, _ in toml.strings(package["groups"])]
    return "" if not groups or set(groups) & {"main", "default"} else groups[0]


# --------------------------------------------------------------------------- Pipfile.lock


def read_pipfile_lock(text: str, path: str) -> Manifest:
    """The manifest of a Pipfile.lock."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        flaw = Flaw("syntax", f"is not valid JSON: {error}", path, line, fatal=True)
        return Manifest(path, "pipfile.lock", "not understood", Step("pipenv", path), flaws=(flaw,))
    lines = _json_lines(text)
    pins = []
    for section, group in (("default", ""), ("develop", "dev")):
        for name, row in _items(content, section):
            pins.extend(_pipfile_pin(name, row, path, lines.get((section, name)), group))
    meta = content.get("_meta") if isinstance(content, dict) else None
    sources = meta.get("sources") if isinstance(meta, dict) else None
    indexes = [
        Index(row["url"], "named", path, None, str(row.get("name") or ""))
        for row in (sources if isinstance(sources, list) else ())[:50]
        if isinstance(row, dict) and isinstance(row.get("url"), str)
    ]
    requires = dict(_items(meta, "requires"))
    python = requires.get("python_full_version") or requires.get("python_version")
    if isinstance(python, str):
        pins.append(Pin("python", f"=={python}.*" if python.count(".") == 1 else f"=={python}", python, path))
    return Manifest(path, "pipfile.lock", "understood", Step("pipenv", path, None, tuple(pins), tuple(indexes)))


def _items(content: Any, key: str) -> list[tuple[str, Any]]:
    section = content.get(key) if isinstance(content, dict) else None
    return list(section.items())[:MAX_ENTRIES] if isinstance(section, dict) else []


def _pipfile_pin(name: str, row: Any, path: str, line: int | None, group: str) -> list[Pin]:
    if not isinstance(row, dict):
        return []
    url = str(row.get("file") or row.get("path") or "")
    version = str(row.get("version") or "").removeprefix("==")
    specifier = f"=={version}" if version else ""
    return [
        Pin(
            canonical(name), specifier, f"{name} {version}".strip(), path, line, version=version,
            variant=variant_of(version) or variant_of(url), marker=str(row.get("markers") or ""), url=url,
            origin=str(row.get("index") or ""), group=group, role="locked", manager="pipenv",
        )
    ]  # fmt: skip


def _json_lines(text: str) -> dict[tuple[str, str], int]:
    """The line of each package in a Pipfile.lock as pipenv writes it, by section and name."""
    found = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'( *)"([^"]+)": \{', line)
        if match and len(match[1]) == 4:
            section = match[2]
        elif match and len(match[1]) == 8:
            found[(section, match[2])] = number
    return found

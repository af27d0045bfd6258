"""Pipfile: TOML with Poetry-like entries and named sources."""

from modeldoctor.facts.pins import Flaw, Index, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import toml
from modeldoctor.readers.project.manifests.entries import canonical, parse, parse_url
from modeldoctor.readers.project.manifests.toml import Statement


def read(text: str, path: str) -> Manifest:
    """The manifest of a Pipfile."""
    flaws: list[Flaw] = []
    pins: list[Pin] = []
    sources: dict[int, dict[str, Statement]] = {}
    for statement in toml.statements(text.splitlines(), path, flaws):
        match statement.path:
            case ("source", key) if statement.element >= 0:
                sources.setdefault(statement.element, {})[key] = statement
            case ("packages" | "dev-packages" as section, name, *_):
                pins.extend(_pin(name, statement, path, "" if section == "packages" else "dev"))
            case ("requires", "python_version" | "python_full_version" as key):
                pins.extend(_python(statement, key, path))
            case _:
                pass
    indexes: list[Index] = []
    for rows in sources.values():
        url, label = (toml.value(rows[key]) if key in rows else None for key in ("url", "name"))
        if isinstance(url, str):
            # The first source is the default; pipenv takes a package from another one only when it names it.
            indexes.append(Index(url, "named" if indexes else "index", path, rows["url"].line, str(label or "")))
    step = Step("pipenv", path, None, tuple(pins), tuple(indexes))
    state = "understood" if not flaws else "partly understood" if pins else "not understood"
    return Manifest(path, "pipfile", state, step, flaws=tuple(flaws))


def _python(statement: Statement, key: str, path: str) -> list[Pin]:
    version = toml.value(statement)
    if not isinstance(version, str):
        return []
    specifier = f"=={version}.*" if key == "python_version" and version.count(".") == 1 else f"=={version}"
    return [Pin("python", specifier, version, path, statement.line)]


def _pin(name: str, statement: Statement, path: str, group: str) -> list[Pin]:
    value = toml.value(statement)
    if isinstance(value, str):
        value = {"version": value}
    if not isinstance(value, dict):
        return []
    place = value.get("file") or value.get("path") or value.get("git")
    if isinstance(place, str):
        found = parse_url(place, place, path, statement.line) or Pin(canonical(name), "", place, path, statement.line)
        return [found._replace(name=canonical(name), group=group, manager="pipenv", url=place)]
    version = str(value.get("version") or "*")
    marker = str(value.get("markers") or "")
    pin = parse(f"{name}{'' if version == '*' else version}", path, statement.line, group=group)
    if pin is None:
        return []
    text = f'{name} = "{version}"'
    return [pin._replace(text=text, marker=marker, origin=str(value.get("index") or ""), manager="pipenv")]

"""Poetry's own dependency tables, with their caret and tilde constraints."""

import re
from typing import Any

from modeldoctor.facts.pins import Pin
from modeldoctor.readers.project.manifests.entries import canonical, parse_url, variant_of

_CLAUSE = re.compile(r"(\^|~=|~|===|==|!=|>=|<=|>|<|=)?\s*(.+)$")


def poetry_pin(name: str, value: Any, path: str, line: int, group: str) -> list[Pin]:
    """The pins of one entry: `"^2.1"`, `{version = "^2.1", source = "x"}`, or a list of those with markers."""
    if isinstance(value, list):
        return [pin for item in value[:20] for pin in poetry_pin(name, item, path, line, group)]
    if isinstance(value, str):
        value = {"version": value}
    if not isinstance(value, dict):
        return []
    text = str(value.get("version", "*"))
    for place in ("url", "file", "path"):
        if isinstance(value.get(place), str):
            found = parse_url(value[place], value[place], path, line)
            url = value[place]
            pin = found or Pin(canonical(name), "", url, path, line, url=url)
            return [pin._replace(name=canonical(name), group=group, manager="poetry")]
    specifier = constraint(text)
    markers = [str(value["markers"])] if value.get("markers") else []
    if isinstance(value.get("platform"), str):
        markers.append(f"sys_platform == '{value['platform']}'")
    if isinstance(value.get("python"), str) and name != "python":
        markers.extend(_python_marker(value["python"]))
    return [
        Pin(
            name=canonical(name),
            specifier=specifier if specifier is not None else text,
            text=f'{name} = "{text}"',
            path=path,
            line=line,
            version=_exact(specifier or ""),
            variant=variant_of(text),
            marker=" and ".join(f"({marker})" for marker in markers),
            origin=str(value.get("source") or ""),
            extras=tuple(str(extra) for extra in value.get("extras") or ()),
            group="optional" if value.get("optional") else group,
            manager="poetry",
            flaw="" if specifier is not None else f"`{text}` is no constraint",
        )
    ]


def _python_marker(text: str) -> list[str]:
    specifier = constraint(text)
    if not specifier:
        return []
    clauses = [re.fullmatch(r"(\W+)(.+)", clause) for clause in specifier.split(",")]
    return [f"python_version {found[1]} '{found[2]}'" for found in clauses if found and "*" not in found[2]]


def _exact(specifier: str) -> str:
    found = re.fullmatch(r"==([^,*]+)", specifier)
    return found[1] if found else ""


def constraint(text: str) -> str | None:
    """PEP 440 text of a Poetry constraint; None when it is not understood. Of alternatives (`||`), the last."""
    text = text.strip()
    if "||" in text:
        # The resolver takes the newest that fits, which the last alternative holds as people write them.
        text = text.rsplit("||", 1)[1].strip()
    clauses = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!~^])", text):
        clause = _clause(part.strip())
        if clause is None:
            return None
        clauses.append(clause)
    return ",".join(clause for clause in clauses if clause)


def _clause(text: str) -> str | None:
    if text in {"*", ""}:
        return ""
    found = _CLAUSE.match(text)
    operator, version = (found[1] or "", found[2].strip()) if found else ("", "")
    if not re.match(r"v?\d", version):
        return None
    version = version.removeprefix("v")
    if operator in {"^", "~"}:
        release = re.match(r"\d+(?:\.\d+)*", version)
        upper = _upper([int(part) for part in release[0].split(".")], operator) if release else None
        # A lower bound takes no local version (`^2.2.0+cu121`): the public one is what it compares by.
        return None if upper is None else f">={version.partition('+')[0]},<{upper}"
    if operator in {"", "="}:
        operator = "=="
    return f"{operator}{version}"


def _upper(parts: list[int], operator: str) -> str:
    """The first version that `^` (next of the leftmost non-zero part) or `~` (next minor) leaves out."""
    if operator == "~":
        position = 0 if len(parts) == 1 else 1
    else:
        position = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
    bumped = [*parts[:position], parts[position] + 1]
    return ".".join(str(part) for part in bumped)

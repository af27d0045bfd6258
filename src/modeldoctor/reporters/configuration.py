"""The settings that are in force, each with its source."""

import os
from typing import Any

from modeldoctor.config import FILE_KEYS, FLAG_KEYS, KEYS, Config, Settings
from modeldoctor.findings import Severity
from modeldoctor.reporters import json
from modeldoctor.reporters.text import line, render


def settings_text(settings: Settings, *, color: bool = False, columns: int | None = None) -> str:
    """A line for each key: its value and where it was set."""
    files = [os.path.relpath(path) for path in reversed(settings.files)]
    rows = [line(("configuration", "bold"), f"  {' extends '.join(files) or 'none'}", hang=15), line()]
    table = [(key, _shown(_as_in_file(key, value)), source) for key, value, source in _all(settings)]
    key_width = max(len(key) for key, _, _ in table)
    for key, value, source in table:
        style = "dim" if source == "default" else "code"
        rows.append(line((f"{key:<{key_width}}", style), f"  {value}", (f"  ({source})", "dim"), hang=key_width + 2))
    return render(rows, color=color, width=columns)


def settings_json(settings: Settings) -> str:
    """`modeldoctor/config/v1`."""
    keys = {key: {"value": _as_in_file(key, value), "source": source} for key, value, source in _all(settings)}
    document = {"schema": "modeldoctor/config/v1", "tool": json.TOOL, "files": settings.files, "settings": keys}
    return json.dumps({**document, "errors": []})


def schema_text() -> str:
    """The JSON Schema of the configuration file."""
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), "schemas", "config-v1.json")
    with open(path, encoding="utf-8") as file:
        return file.read()


def _all(settings: Settings) -> list[tuple[str, Any, str]]:
    """Every key with its value and source, those that were set first."""
    defaults = Config()._asdict()
    rows = [
        (key, "never" if key == "fail-on" and found.value is None else found.value, found.source)
        for key, found in settings.values.items()
        if found.source
    ]
    named = {key for key, _, _ in rows}
    return rows + [
        (key, defaults.get(key.replace("-", "_")), "default")
        for key in (*KEYS, *sorted(FILE_KEYS))
        if key not in named and key not in FLAG_KEYS
    ]


def _as_in_file(key: str, value: Any) -> Any:
    """The value as the file has it."""
    if key == "severity":
        return {name: str(severity) for name, severity in value}
    if key == "per-path":
        lists = [(entry.pattern, entry._asdict()) for entry in value]
        return {
            pattern: {
                name.replace("_", "-"): list(names) for name, names in entry.items() if names and name != "pattern"
            }
            for pattern, entry in lists
        }
    if key == "suppress":
        entries = [("path", "pattern"), ("codes", "codes"), ("until", "until"), ("reason", "reason")]
        return [
            {name: json.plain(getattr(entry, field)) for name, field in entries if getattr(entry, field)}
            for entry in value
        ]
    return str(value) if isinstance(value, Severity) else json.plain(value)


def _shown(value: Any) -> str:
    """The value in a line."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) or "none"
    if isinstance(value, list):
        return ("; " if any(isinstance(item, dict) for item in value) else ", ").join(map(_shown, value)) or "none"
    return str(value)

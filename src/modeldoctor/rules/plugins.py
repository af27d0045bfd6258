"""Rules of other distributions, by the entry point group `modeldoctor.rules`.

An entry point names a module whose attributes are rules, or one rule. Only distributions in the `site-packages` of this
interpreter are looked at, never the working directory, and only their `entry_points.txt` is read until one of them
declares rules: importing `importlib.metadata` costs five times as much as starting the interpreter.
"""

import os
import re
import sys
from functools import cache
from typing import Any, NamedTuple

from modeldoctor.rules.base import Rule

GROUP = "modeldoctor.rules"


class Plugins(NamedTuple):
    """The rules that were found, and why others were not taken."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[str, ...] = ()


@cache
def plugin_rules() -> Plugins:
    """The rules of all installed plugins. One that can't be imported or declares nonsense is named, not raised."""
    if not any(_declares_rules(folder) for folder in _installed()):
        return Plugins()
    from importlib.metadata import entry_points

    rules: list[Rule] = []
    problems: list[str] = []
    for entry in sorted(entry_points(group=GROUP)):
        try:
            found = entry.load()
        except Exception as error:  # noqa: BLE001 - the plugin boundary: a broken one must not hide the findings
            problems.append(f"the plugin `{entry.name}` cannot be loaded: {type(error).__name__}: {error}")
            continue
        for rule in _rules_in(found):
            problem = _problem(rule, rules)
            if problem:
                problems.append(f"the plugin `{entry.name}` declares rule {rule.code}, {problem}")
            else:
                rules.append(rule if rule.link is not None else rule._replace(link=""))
    return Plugins(tuple(rules), tuple(problems))


def _installed() -> list[str]:
    """The metadata folders of all installed distributions."""
    found = []
    for path in sys.path:
        if os.path.basename(path) in {"site-packages", "dist-packages"}:
            try:
                found += [
                    os.path.join(path, name) for name in os.listdir(path) if name.endswith((".dist-info", ".egg-info"))
                ]
            except OSError:
                continue
    return found


def _declares_rules(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:
            return GROUP.encode() in file.read()
    except OSError:
        return False


def _rules_in(found: Any) -> list[Rule]:
    candidates = [found] if isinstance(found, Rule) else vars(found).values() if hasattr(found, "__dict__") else []
    return sorted((value for value in candidates if isinstance(value, Rule)), key=lambda rule: rule.code)


def _problem(rule: Rule, others: list[Rule]) -> str:
    if not re.fullmatch(r"[A-Z]{2,8}[0-9]{1,4}", rule.code) or rule.code.startswith("MDR"):
        return "but codes of plugins are two to eight capitals, not MDR, and a number"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.slug):
        return f"but `{rule.slug}` is no slug"
    if any(rule.code == other.code or rule.slug == other.slug for other in others):
        return "which another plugin has too"
    return ""

"""The rules. One rule per module: `rules/<family>/<slug with underscores>.py`, found by walking the folder."""

import importlib
import os
from collections.abc import Iterable
from functools import cache

from modeldoctor.rules.base import Rule
from modeldoctor.rules.plugins import plugin_rules

# Which families judge which fact type: only those a target can yield are imported.
FAMILIES: dict[str, tuple[str, ...]] = {
    "Checkpoint": ("file", "pickle", "weights"),
    "Verdict": ("loading",),
    "Memory": ("memory",),
    "Skew": ("versions",),
    "Tables": ("versions",),
    "Source": ("serving",),
    "Archive": ("torchserve",),
    "Store": ("torchserve",),
    "Suppression": ("gate",),
}

# The families whose codes begin with a digit.
DIGITS: dict[str, tuple[str, ...]] = {
    "1": ("file",),
    "2": ("pickle",),
    "3": ("loading", "versions"),
    "4": ("memory", "weights"),
    "5": ("serving",),
    "6": ("torchserve",),
    "9": ("gate",),
}


@cache
def family(name: str) -> tuple[Rule, ...]:
    """The rules of one family, in the order of their codes."""
    folder = os.path.join(os.path.dirname(__file__), name)
    modules = sorted(entry[:-3] for entry in os.listdir(folder) if entry.endswith(".py") and not entry.startswith("_"))
    found = [
        value
        for module in modules
        for value in vars(importlib.import_module(f"modeldoctor.rules.{name}.{module}")).values()
        if isinstance(value, Rule)
    ]
    return tuple(sorted(found))


def rules_for(fact_type: str) -> tuple[Rule, ...]:
    """The rules that judge facts of this type."""
    ours = [rule for name in FAMILIES.get(fact_type, ()) for rule in family(name)]
    return tuple(rule for rule in (*ours, *plugin_rules().rules) if rule.fact.__name__ == fact_type)


def all_rules() -> tuple[Rule, ...]:
    """Every rule there is: ours by their codes, then those of plugins."""
    names = dict.fromkeys(name for families in FAMILIES.values() for name in families)
    ours = sorted(rule for name in names for rule in family(name))
    return (*ours, *plugin_rules().rules)


def rules_near(name: str) -> tuple[Rule, ...]:
    """The rules among which those of this name are: a family or two for a code or prefix of ours, else every rule."""
    code = name.upper()
    home = DIGITS.get(code[3:4], ()) if code.startswith("MDR") else ()
    near = tuple(rule for each in home for rule in family(each))
    return near if any(rule.code.startswith(code) for rule in near) else all_rules()


def rules_named(names: Iterable[str]) -> tuple[Rule, ...]:
    """The rules among which those of all these names are, importing no more families than that takes."""
    return tuple({rule.code: rule for name in names if name.upper() != "ALL" for rule in rules_near(name)}.values())

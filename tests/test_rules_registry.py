"""What must hold for the set of rules as a whole."""

import os
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

import modeldoctor
from modeldoctor.findings import Confidence, Severity
from modeldoctor.rules import DIGITS, FAMILIES, all_rules, family, rules_for, rules_named, rules_near
from modeldoctor.rules.base import Rule
from tests.rules.test_rules import SLUGS, cases_of

SECTIONS = ("What it finds", "Why it matters", "Seen as", "Fix", "References")
RULES = all_rules()
FAMILY_OF = {rule.code: name for names in FAMILIES.values() for name in names for rule in family(name)}

every_rule = pytest.mark.parametrize("rule", RULES, ids=[f"{rule.code}-{rule.slug}" for rule in RULES])


@pytest.mark.parametrize("field", ["code", "slug", "summary"])
def test_no_two_rules_share(field: str) -> None:
    counts = Counter(getattr(rule, field) for rule in RULES)
    assert [value for value, count in counts.items() if count > 1] == []


@every_rule
def test_declaration(rule: Rule) -> None:
    assert re.fullmatch(r"MDR[1-9]\d\d", rule.code)
    assert FAMILY_OF[rule.code] in DIGITS[rule.code[3]]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.slug)
    assert rule.since == "0.1", "a rule appears in a release; add the release here"
    assert isinstance(rule.severity, Severity)
    assert isinstance(rule.confidence, Confidence)
    assert rule.status in {"stable", "preview", "deprecated"}
    assert rule.fact.__name__ in FAMILIES
    assert FAMILY_OF[rule.code] in FAMILIES[rule.fact.__name__]
    assert rule in rules_for(rule.fact.__name__)


@every_rule
def test_the_slug_is_the_file_name_and_the_function(rule: Rule) -> None:
    module = rule.check.__module__.rpartition(".")[2]
    assert module == rule.slug.replace("-", "_")
    assert rule.check.__name__ == module


@every_rule
def test_summary(rule: Rule) -> None:
    assert not rule.summary.endswith(".")
    assert re.match(r"[^A-Z]|[A-Z]\w*[A-Z0-9]", rule.summary), "starts in lower case, but for names like NumPy"
    assert len(rule.summary) <= 100


@every_rule
def test_the_page_has_every_section_and_says_more_than_the_summary(rule: Rule) -> None:
    head, *rest = re.split(r"^## (.+)$", rule.page, flags=re.MULTILINE)
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    assert tuple(sections) == SECTIONS
    assert re.search(r"[.]$", head.strip())
    for title, text in sections.items():
        assert len(text.split()) >= (3 if title == "References" else 8), f"{title} says next to nothing"
    assert len(rule.page.split()) >= 100, "a page that only repeats the summary helps nobody"


@every_rule
def test_the_page_is_plain(rule: Rule) -> None:
    text = rule.page
    assert text.count("```") % 2 == 0
    assert all(line.startswith("```") or line.count("```") == 2 for line in text.splitlines() if "```" in line)
    assert "TODO" not in text
    # The registry's `modeldoctor` is a stranger's package.
    assert not re.search(r"(pip install|uvx|pipx run) modeldoctor\b", text)


@every_rule
def test_a_rule_has_bad_and_good_inputs(rule: Rule) -> None:
    assert rule.slug in SLUGS, f"tests/rules/{rule.slug}/cases.py is missing"
    cases = cases_of(rule.slug)
    assert [case for case in cases if case.says is not None]
    assert [case for case in cases if case.says is None and case.unjudged is None]
    assert [name for name, count in Counter(case.name for case in cases).items() if count > 1] == []


def test_cases_belong_to_rules() -> None:
    assert sorted(set(SLUGS) - {rule.slug for rule in RULES}) == []


def test_every_module_of_a_family_declares_one_rule() -> None:
    folder = Path(modeldoctor.__file__).parent / "rules"
    for name in sorted(set(FAMILY_OF.values())):
        modules = [entry for entry in os.listdir(folder / name) if entry.endswith(".py") and not entry.startswith("_")]
        assert len(modules) == len(family(name)), name


def test_a_rule_is_near_its_name() -> None:
    assert {rule.code[3] for rule in rules_near("mdr101")} == {"1"}
    assert {rule.code[3] for rule in rules_near("MDR3")} == {"3"}
    for name in ("truncated", "MDR199", "MDR", "ABC101", ""):
        assert rules_near(name) == RULES
    assert {rule.code[3] for rule in rules_named(["MDR1", "ALL", "MDR220"])} == {"1", "2"}


def test_the_rules_import_nothing_heavy() -> None:
    """In a fresh interpreter; here torch may be loaded by the cases."""
    import subprocess

    code = "import sys, modeldoctor.rules as r; r.all_rules(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint(
        {"torch", "numpy", "rich", "yaml", "typer", "dataclasses", "logging", "zipfile", "packaging"}
    )

"""Every rule against its bad and good inputs: `tests/rules/<slug>/cases.py`.

To test a rule, add that one file; `builders.py` beside this one shows how it is written. For every case the harness
runs the rule alone, checks that it says what it should (or nothing), and holds every hit to the form that all findings
have: lower case, no full stop, a place in the file that was examined, a fix.
"""

import importlib.util
import re
from pathlib import Path

import pytest

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Unjudged
from modeldoctor.readers import read
from modeldoctor.rules import all_rules
from modeldoctor.rules.application import answers as answers_of
from modeldoctor.rules.base import Rule
from tests.rules.builders import Case

FOLDER = Path(__file__).parent
RULES = {rule.slug: rule for rule in all_rules()}


def cases_of(slug: str) -> list[Case]:
    """The cases of one rule."""
    file = FOLDER / slug / "cases.py"
    spec = importlib.util.spec_from_file_location(f"cases_of_{slug.replace('-', '_')}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CASES


SLUGS = sorted(entry.name for entry in FOLDER.iterdir() if (entry / "cases.py").is_file())
PAIRS = [(slug, case) for slug in SLUGS for case in cases_of(slug)]


@pytest.mark.parametrize(("slug", "case"), PAIRS, ids=[f"{slug}-{case.name}" for slug, case in PAIRS])
def test_rule(slug: str, case: Case, tmp_path: Path) -> None:
    rule = RULES[slug]
    answers = [answer for fact in facts(rule, case, tmp_path) for answer in answers_of(rule, fact, case.context)]
    hits = [answer for answer in answers if isinstance(answer, Hit)]
    reasons = [answer.reason for answer in answers if isinstance(answer, Unjudged)]

    assert len(hits) == (case.hits if case.says is not None else 0), hits
    assert bool(reasons) == (case.unjudged is not None), reasons
    assert case.unjudged is None or any(case.unjudged in reason for reason in reasons), reasons
    for hit in hits:
        hold_to_form(hit)
    for text in case.says or ():
        assert text in everything(hits[0]), f"{text!r} is not in {everything(hits[0])!r}"
    if case.severity is not None:
        assert str(hits[0].severity or rule.severity) == case.severity


def facts(rule: Rule, case: Case, folder: Path) -> list[Checkpoint]:
    """The facts that the rule is given: as made by hand, or as read from what the case builds."""
    if not callable(case.subject):
        return [case.subject]
    path = case.subject(folder)
    if isinstance(path, rule.fact):
        return [path]
    shown = path.name
    return [subject.facts for subject in read(str(path), shown) if isinstance(subject.facts, rule.fact)]


def hold_to_form(hit: Hit) -> None:
    """What every hit promises its readers."""
    assert hit.message
    assert not hit.message.endswith("."), hit.message
    assert "\n" not in hit.message, hit.message
    assert re.match(r"[^A-Z]|[A-Z][A-Z]|[A-Z]\w*[A-Z0-9]", hit.message), f"starts in upper case: {hit.message}"
    assert hit.fix, f"no fix: {hit.message}"
    assert hit.where is None or (hit.where.path and "\\" not in hit.where.path)
    for label, text in hit.notes:
        assert label, hit.notes
        assert text, hit.notes
    for related in hit.related:
        assert related.message
        assert related.where.path


def everything(hit: Hit) -> str:
    """All text of a hit, the place included."""
    notes = "\n".join(f"{label}: {text}" for label, text in hit.notes)
    related = "\n".join(f"{item.where.path} {item.message}" for item in hit.related)
    where = hit.where
    place = "" if where is None else f"{where.path}:{where.line} {where.path} {where.member} {where.byte}"
    return "\n".join((hit.message, notes, related, hit.fix or "", place))

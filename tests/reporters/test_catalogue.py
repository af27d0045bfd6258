import json

from modeldoctor.findings import Severity
from modeldoctor.reporters import catalogue
from tests.reporters.samples import rule

RULES = (rule("MDR101", "cut", Severity.ERROR), rule("MDR201", "full-model", Severity.WARNING, needs=("torch",)))


def test_the_table() -> None:
    assert catalogue.rules_text(RULES).splitlines() == [
        "MDR101  cut         error    what cut is about",
        "MDR201  full-model  warning  what full-model is about",
        "",
        "2 rules; `modeldoctor explain CODE` tells all about one",
    ]
    document = json.loads(catalogue.rules_json(RULES))
    assert document["schema"] == "modeldoctor/rules/v1"
    assert document["rules"][1]["name"] == "full-model"
    assert document["rules"][1]["needs"] == ["torch"]


def test_the_page() -> None:
    text = catalogue.rule_text(RULES[0])
    assert text.startswith("error[MDR101] cut\nwhat cut is about\n\nA rule for tests.\n\nWhat it finds\n")
    assert "The `thing`, always: here (https://example.invalid/).\n" in text
    assert "Seen as\n    KeyError: 'x'\n\nFix\n" in text
    assert "\x1b" not in text
    narrow = catalogue.rule_text(RULES[0], columns=30)
    assert max(map(len, narrow.splitlines())) <= 40
    assert "The `thing`, always: here\n(https://example.invalid/).\n" in narrow
    assert "\x1b[1mWhat it finds\x1b[0m" in catalogue.rule_text(RULES[0], color=True)
    assert catalogue.rule_markdown(RULES[1]).startswith("# full-model (MDR201)\n\n**warning** · since 0.1\n\n")
    assert json.loads(catalogue.rule_json(RULES[0]))["rule"]["markdown"].startswith("A rule for tests.")

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldoctor.facts.pins import Flaw
from modeldoctor.readers.project.manifests import toml

TEXT = '''
title = "x" # comment

[project]
dependencies = [
  "torch==2.1.0",  # "not this"
  'numpy<2; python_version < "3.9"',
]
description = """
[not.a.table]
torch = "no"
"""

[tool."odd name".sources]
torch = [ {index = "a"}, {index = "b"} ]
"quoted.key" = 'v'

[[package]]
name = "one"

[package.metadata]
x = 1

[[package]]
name = "two"
'''


def statements(text: str) -> tuple[list[toml.Statement], list[Flaw]]:
    flaws: list[Flaw] = []
    return list(toml.statements(text.splitlines(), "f.toml", flaws)), flaws


def test_statements_have_their_table_line_and_value() -> None:
    found, flaws = statements(TEXT)
    assert flaws == []
    assert [(statement.path, statement.element, statement.line) for statement in found] == [
        (("title",), -1, 2),
        (("project", "dependencies"), -1, 5),
        (("project", "description"), -1, 9),
        (("tool", "odd name", "sources", "torch"), -1, 15),
        (("tool", "odd name", "sources", "quoted.key"), -1, 16),
        (("package", "name"), 0, 19),
        (("package", "metadata", "x"), 0, 22),
        (("package", "name"), 1, 25),
    ]
    assert toml.value(found[3]) == [{"index": "a"}, {"index": "b"}]


def test_strings_of_a_list_have_their_own_lines() -> None:
    found, _ = statements(TEXT)
    assert toml.strings(found[1]) == [("torch==2.1.0", 6), ('numpy<2; python_version < "3.9"', 7)]


def test_a_broken_statement_does_not_hide_the_rest() -> None:
    found, flaws = statements('[a]\nx = 1\nthis is wrong\n<<<<<<< HEAD\ny = 2\n[b]\nz = "ok"\nlast = [1,\n')
    assert [statement.path for statement in found] == [("a", "x"), ("a", "y"), ("b", "z"), ("b", "last")]
    assert [(flaw.kind, flaw.line) for flaw in flaws] == [("syntax", 3), ("conflict", 4), ("syntax", 8)]


def test_a_bad_value_is_none() -> None:
    found, _ = statements("x = nonsense\ny = 'open\n")
    assert [toml.value(statement) for statement in found] == [None, None]


@pytest.mark.parametrize(
    "text", ["x = " + "[" * 100_000, 'x = """\n' + "a\n" * 20_000, "[" * 1000 + "]" * 1000, "x." * 20_000 + "y = 1"]
)
def test_hostile_text_is_survived(text: str) -> None:
    statements(text)


VALUES = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.text("ab[]{}#'\"\\ =,", max_size=6)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return "[\n" + ",\n".join(written(item) for item in value) + "]"
    return str(value)


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES, max_size=5))
def test_values_agree_with_tomllib(content: dict[str, object]) -> None:
    text = "[t]\n" + "\n".join(f"{key} = {written(value)}" for key, value in content.items())
    found, flaws = statements(text)
    assert {statement.key[0]: toml.value(statement) for statement in found} == tomllib.loads(text)["t"]
    assert flaws == []

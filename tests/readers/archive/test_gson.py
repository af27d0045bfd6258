"""The lenient JSON of the frontend: what Gson 2.9.0 takes and refuses."""

import pytest

from modeldoctor.errors import ReadError
from modeldoctor.readers.archive.gson import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "b": [true, null]}', {"a": "1", "b": ["true", None]}),
        ("{a: b}", {"a": "b"}),
        ("{'a': 'b'}", {"a": "b"}),
        ("{a = b; c => d}", {"a": "b", "c": "d"}),
        ("// x\n{/* y */ a: b # z\n}", {"a": "b"}),
        ("\ufeff{}", {}),
        (")]}'\n{}", {}),
        ("[1,]", ["1", None]),
        ("[;1]", [None, "1"]),
        (r'"\u0041\n\/"', "A\n/"),
        ("", None),
        ("  // nothing\n", None),
        ("null", None),
        ("{a: {b: {c: []}}}", {"a": {"b": {"c": []}}}),
        ('{"a": 1, "a": 2}', {"a": "2"}),
    ],
)
def test_taken(text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        "{a}",
        "{a:",
        "[1",
        "{} {}",
        "model: m",
        '"a',
        "/* x",
        r'"\x"',
        r'"\u00zz"',
        "{,}",
        "[" * (MAX_DEPTH + 2),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ReadError):
        parse(text)

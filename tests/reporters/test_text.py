import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldoctor.reporters.text import NUMBER_LIMIT, clip, encodable, line, listed, many, printable, render
from tests.reporters.samples import HOSTILE


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain text", "plain text"),
        ("naïve 中文 é", "naïve 中文 é"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b31m", "\\x9b31m"),  # the one-byte control sequence introducer
        ("x\u202egnp.exe", "x\\u202egnp.exe"),
        ("a\u200bb\u2066c\ufeffd", "a\\u200bb\\u2066c\\ufeffd"),
        ("a\u3164b\u2800c", "a\\u3164b\\u2800c"),
        ("a\u2028b\u00a0c", "a\\u2028b\\xa0c"),
        ("e\u0301", "e\u0301"),
        ("z" + "\u0300" * 4, "z" + "\\u0300" * 4),
        ("\ud800", "\\ud800"),
        ("[bold]x[/]", "[bold]x[/]"),  # means nothing: no text is ever read as markup
    ],
)
def test_printable(text: str, safe: str) -> None:
    assert printable(text) == safe


@given(st.text(st.characters()) | st.text(st.sampled_from(HOSTILE + "\u0300中")))
def test_whatever_a_file_holds_is_one_harmless_line(text: str) -> None:
    safe = printable(text)
    safe.encode("utf-8")
    assert all(unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in safe)
    assert printable(safe) == safe


def test_long_text_is_cut() -> None:
    assert len(printable("x" * 10**7)) < 10**4
    assert clip("abcdefghij", 10) == "abcdefghij"
    assert clip("abcdefghijk", 10) == "abcdef…ijk"


def test_numbers() -> None:
    assert many(25_557_032) == "25.6 M"
    assert many(7_600_000_000) == "7.6 B"
    assert many(53_120) == "53,120"
    assert many(10**6000) == many(NUMBER_LIMIT)
    assert listed(["a", "b", "c"], 2) == "a, b (+1 more, -v)"
    assert listed(["a", "b", "c"], None) == "a, b, c"


def test_our_signs_have_ascii_forms() -> None:
    assert encodable("├─ a … 2×", "utf-8") == "├─ a … 2×"
    assert encodable("├─ a … 2×", "cp1252") == "|- a ... 2x"
    assert encodable("├─ a … 2×", None) == "|- a ... 2x"
    assert encodable("├─ a", "no-such-encoding") == "|- a"


def test_render() -> None:
    lines = [line(("error", "error"), f": {HOSTILE}"), line()]
    assert "\x1b" not in render(lines)
    assert render(lines, color=True).count("\x1b") == 2
    assert render(lines).count("\n") == 2

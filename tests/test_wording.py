import ast
import shlex

import pytest

from modeldoctor.wording import argument, count, listing, literal, memory, quoted, share, size


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
     (97_800_000, "97.8 MB"), (2 * 10**9, "2.0 GB"), (5 * 10**15, "5000.0 TB")],
)  # fmt: skip
def test_size(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text


def test_memory() -> None:
    assert memory(1023) == "1,023 bytes"
    assert memory(2**20) == "1.0 MiB"
    assert memory(16 * 2**30) == "16.0 GiB"
    assert memory(2**20 - 1) == "1.0 MiB"


def test_count() -> None:
    assert count(1, "tensor") == "1 tensor"
    assert count(20_000, "tensor") == "20,000 tensors"
    assert count(2, "entry", "entries") == "2 entries"


def test_share() -> None:
    assert share(0, 0) == share(0, 5) == "0 %"
    assert share(1, 1000) == "under 1 %"
    assert share(999, 1000) == "over 99 %"
    assert share(667, 1000) == "67 %"
    assert share(5, 5) == "100 %"


def test_listing() -> None:
    assert listing([]) == ""
    assert listing(["a"]) == "`a`"
    assert listing(["a", "b"]) == "`a` and `b`"
    assert listing(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert listing(f"k{number}" for number in range(1003)) == "`k0`, `k1`, `k2` and 1,000 more"


def test_quoted_names_stay_on_one_line_and_short() -> None:
    assert quoted("a\nb\tc") == "`a b c`"
    assert len(quoted("x" * 10**6)) < 100


def test_numbers_without_end() -> None:
    huge = 10**5000
    assert size(huge) == size(10**4000)
    assert memory(huge) == memory(10**4000)
    assert count(huge, "tensor") == count(10**4000, "tensor")
    assert share(1, huge) == "under 1 %"


@pytest.mark.parametrize(
    "path", ["model.pt", "a b.pt", "x;rm -rf ~.pt", "it's $(here).pt", "`id`.pt", "-rf", "", "ä.pt"]
)
def test_argument_is_one_word(path: str) -> None:
    assert shlex.split(argument(path)) == [path if path[:1] != "-" else "./-rf"]


@pytest.mark.parametrize("text", ["model", 'a"]; print(1) #', "a\\", "line\nbreak", "'", "\x00", "ä"])
def test_literal_is_one_text(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text

import pytest

from modeldoctor.facts.environment import Value


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("2.6.0", (2, 6, 0)),
        ("2.6.0+cu124", (2, 6, 0)),
        ("v1.13", (1, 13)),
        ("2.9.0a0+git", (2, 9, 0)),
        ("t4", ()),
        ("", ()),
    ],
)
def test_release_is_the_leading_numbers(text: str, release: tuple[int, ...]) -> None:
    assert Value(text, "--torch").release == release


def test_releases_compare_by_number() -> None:
    assert Value("2.10.0", "--torch").release > Value("2.9.1", "--torch").release

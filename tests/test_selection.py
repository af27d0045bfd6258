import pytest

from modeldoctor.errors import UsageError
from modeldoctor.findings import Severity
from modeldoctor.selection import find, matches, require_known, selected
from modeldoctor.wording import did_you_mean
from tests.reporters.samples import rule

RULE = rule("MDR201", "full-model", Severity.ERROR)


@pytest.mark.parametrize(
    ("select", "extend", "ignore", "runs"),
    [
        ((), (), (), True),
        (("MDR2",), (), (), True),
        (("mdr2",), (), (), True),
        (("MDR1",), (), (), False),
        (("MDR1",), ("full-model",), (), True),
        ((), (), ("MDR2",), False),
        ((), (), ("ALL",), False),
        (("ALL",), (), ("MDR1",), True),
        (("MDR201",), (), ("MDR2",), True),  # the longer one wins
        (("MDR2",), (), ("MDR201",), False),
        (("MDR201",), (), ("MDR201",), False),  # a tie goes to ignore
        (("MDR201",), (), ("full-model",), False),
        ((), ("MDR2",), ("ALL",), True),
        (("full",), (), (), False),  # a slug is no prefix
    ],
)
def test_the_most_specific_selector_wins(
    select: tuple[str, ...], extend: tuple[str, ...], ignore: tuple[str, ...], runs: bool
) -> None:
    assert selected(RULE, select, extend, ignore) is runs


def test_names() -> None:
    assert matches(RULE, "FULL-MODEL")
    assert find("mdr201", (RULE,)) is find("full-model", (RULE,)) is RULE
    require_known(("all", "MDR", "full-model"), (RULE,))
    with pytest.raises(UsageError, match=r"no rule is called `full-modle`; did you mean `full-model`\?"):
        require_known(("MDR2", "full-modle"), (RULE,))
    with pytest.raises(UsageError, match=r"did you mean `MDR201`\?"):
        find("MDR210", (RULE,))
    assert did_you_mean("nothing", ["MDR201"]) == ""

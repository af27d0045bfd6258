"""Selectors: a rule's code, a prefix of it, its slug, or ALL."""

from modeldoctor.errors import UsageError
from modeldoctor.rules.base import Rule
from modeldoctor.wording import did_you_mean

# Longer than any code: a slug names exactly one rule.
_SLUG_WEIGHT = 99

# Codes and slugs that were in use once, and the code that took over; empty when the rule was removed.
RENAMED: dict[str, str] = {}


def current(selectors: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The selectors with the names that are in use now, and what to tell about those that were renamed or removed."""
    if not RENAMED:
        return selectors, []
    kept, notices = [], []
    for selector in selectors:
        successor = RENAMED.get(selector.upper(), RENAMED.get(selector.lower()))
        if successor is None:
            kept.append(selector)
        elif successor:
            kept.append(successor)
            notices.append(f"the rule `{selector}` is now called `{successor}`")
        else:
            notices.append(f"the rule `{selector}` was removed")
    return tuple(kept), notices


def names(code: str, slug: str, selector: str) -> bool:
    """Whether a selector names the rule with this code and slug: the code, a prefix of it, the slug, or ALL."""
    return (
        selector.upper() == "ALL" or selector.lower() == slug or (bool(selector) and code.startswith(selector.upper()))
    )


def selected(rule: Rule, select: tuple[str, ...], extend_select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    """Whether the rule runs: the most specific selector that matches wins, `ignore` wins a tie.

    Without `select` all rules are selected, as if by `ALL`.
    """
    chosen = max(_weight(rule, select or ("ALL",)), _weight(rule, extend_select))
    return chosen > _weight(rule, ignore)


def matches(rule: Rule, selector: str) -> bool:
    """Whether the selector names the rule or a prefix of its code."""
    return names(rule.code, rule.slug, selector)


def _weight(rule: Rule, selectors: tuple[str, ...]) -> int:
    """How specific the best matching selector is: length of the prefix; -1 when none matches."""
    weights = [-1]
    for selector in selectors:
        if selector.upper() == "ALL":
            weights.append(0)
        elif selector.lower() == rule.slug:
            weights.append(_SLUG_WEIGHT)
        elif selector and rule.code.startswith(selector.upper()):
            weights.append(len(selector))
    return max(weights)


def require_known(selectors: tuple[str, ...], rules: tuple[Rule, ...]) -> None:
    """UsageError for the first selector that matches no rule, with the nearest name."""
    for selector in selectors:
        if selector.upper() != "ALL" and not any(matches(rule, selector) for rule in rules):
            names = [name for rule in rules for name in (rule.code, rule.slug)]
            raise UsageError(f"no rule is called `{selector}`{did_you_mean(selector, names)}")


def find(name: str, rules: tuple[Rule, ...]) -> Rule:
    """The rule with this code or slug; UsageError with the nearest names when there is none."""
    for rule in rules:
        if name.upper() == rule.code or name.lower() == rule.slug:
            return rule
    names = [name for rule in rules for name in (rule.code, rule.slug)]
    raise UsageError(f"no rule is called `{name}`{did_you_mean(name, names)}")

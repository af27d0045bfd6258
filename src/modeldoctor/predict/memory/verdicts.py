"""From terms to a sum, and from a sum and a budget to a verdict."""

from collections.abc import Iterable

from modeldoctor.facts.memory import Need, Range, Term
from modeldoctor.wording import memory


def total(terms: Iterable[Term]) -> Range:
    """The sum of the terms. What is not known of one is not known of the sum."""
    low = known = 0
    likely: int | None = 0
    high: int | None = 0
    for term in terms:
        low += term.low
        known += term.low if term.likely is None else term.likely
        likely = None if likely is None or term.likely is None else likely + term.likely
        high = None if high is None or term.high is None else high + term.high
    return Range(low, likely, high, known)


def judged(
    name: str,
    each: tuple[Term, ...],
    once: tuple[Term, ...],
    processes: int,
    budget_bytes: int | None,
    *,
    why: str = "",
    source: str = "",
) -> Need:
    """What `processes` processes need that take `each` every one, and `once` all together."""
    terms = (*(term.times(processes) for term in each), *once) if processes else once
    summed = total(terms)
    verdict, reason = decide(summed, budget_bytes, terms, why)
    one, shared = total(each), total(once)
    most = None
    if budget_bytes is not None and one.likely:
        most = max(0, (budget_bytes - (shared.likely or 0)) // one.likely)
    return Need(name, processes, terms, summed, one, budget_bytes, verdict, reason, most, source, each, once)


def decide(summed: Range, budget_bytes: int | None, terms: Iterable[Term], why: str = "") -> tuple[str, str]:
    """The verdict and its reason: `does not fit` by the certain part alone, `fits` by the upper bound."""
    if budget_bytes is None:
        return "unknown", why or "no limit is known"
    if summed.low > budget_bytes:
        return "does not fit", f"what is certain alone is {memory(summed.low - budget_bytes)} too much"
    missing = [term.term for term in terms if term.likely is None]
    if missing:
        left = budget_bytes - summed.known
        if left < 0:
            return (
                "unknown",
                f"{' and '.join(missing)} not known, and the rest is likely {memory(-left)} too much already",
            )
        return (
            "unknown",
            f"{' and '.join(missing)} not known; {memory(left)} {'is' if left == 1 else 'are'} left for that",
        )
    assert summed.likely is not None
    if summed.likely > budget_bytes:
        return "tight", f"the likely sum is {memory(summed.likely - budget_bytes)} too much: expect it not to fit"
    spare = memory(budget_bytes - summed.likely)
    if summed.high is None:
        return "unknown", f"the likely sum leaves {spare}, and there is no upper bound"
    if summed.high > budget_bytes:
        return (
            "tight",
            f"the likely sum leaves {spare}, the upper bound is {memory(summed.high - budget_bytes)} too much",
        )
    return "fits", f"even the upper bound leaves {memory(budget_bytes - summed.high)}"

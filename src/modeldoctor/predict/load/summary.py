"""Verdicts over many releases, compressed to the ranges that differ."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any, NamedTuple

from modeldoctor.facts.load import LoadOutcome


class Range(NamedTuple):
    """Releases in a row with one verdict in one way of loading. `outcome` is that of the first of them."""

    first: str
    last: str
    outcome: LoadOutcome

    @property
    def span(self) -> str:
        """`1.7 – 2.5`: series, since patch releases do not differ."""
        return _span(self.first, self.last)


def summarise(outcomes: Iterable[LoadOutcome]) -> dict[tuple[str, bool], tuple[Range, ...]]:
    """(mode, importable) → ranges. The outcomes of one mode must come in the order of the releases."""
    groups: dict[tuple[str, bool], list[LoadOutcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.mode, outcome.importable), []).append(outcome)
    return {key: tuple(_ranges(members)) for key, members in groups.items()}


def _ranges(outcomes: list[LoadOutcome]) -> Iterable[Range]:
    for _, members in groupby(outcomes, key=lambda outcome: (outcome.outcome, outcome.outcome_class, outcome.position)):
        same = list(members)
        yield Range(same[0].torch, same[-1].torch, same[0])


def line(ranges: tuple[Range, ...]) -> str:
    """`1.4 fails; 1.7 – 2.5 loads; 2.6 – 2.15 refused`."""
    texts = []
    for verdict, members in groupby(ranges, key=lambda each: each.outcome.outcome):
        same = list(members)
        texts.append(f"{_span(same[0].first, same[-1].last)} {verdict}")
    return "; ".join(texts)


def rows(outcomes: Iterable[LoadOutcome]) -> list[dict[str, Any]]:
    """The verdicts as the `loads` of the inspection document."""
    return [
        {
            "torch": outcome.torch,
            "mode": outcome.mode,
            "importable": outcome.importable,
            "outcome": "unknown" if outcome.outcome == "unknown" else "loads" if outcome.loads else "fails",
            "verdict": outcome.outcome,
            "class": outcome.outcome_class,
            "exception": outcome.exception,
            "message": outcome.message,
            "reason": outcome.reason,
            "fix": outcome.fix,
            "measured": list(outcome.measured),
        }
        for outcome in outcomes
    ]


def _span(first: str, last: str) -> str:
    return _series(first) if _series(first) == _series(last) else f"{_series(first)} – {_series(last)}"


def _series(release: str) -> str:
    return ".".join(release.partition("+")[0].split(".")[:2])

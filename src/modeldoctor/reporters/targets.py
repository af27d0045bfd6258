"""Which environment was judged, each value with its source: the first lines of every report for a person."""

from typing import Any

from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Report

# Projects whose targets are shown without -v.
_SHOWN = 5

_NAMES = (("torch", "torch"), ("cuda", "CUDA"), ("python", "Python"), ("numpy", "NumPy"), ("driver", "driver"),
          ("platform", "platform"))  # fmt: skip


def targets(report: Report, *, verbose: bool = False) -> list[tuple[str, str]]:
    """Labels and texts: one target, or that of each project where they differ; with `verbose` how it was chosen."""
    chosen = report.chosen
    if len({in_words(decided.target) for _, decided in chosen}) < 2:
        rows = [("target", in_words(report.target))]
        return rows + (_decisions(chosen[0][1]) if verbose and chosen else [])
    rows = []
    for project, decided in chosen if verbose else chosen[:_SHOWN]:
        rows.append((f"target of {project}", in_words(decided.target)))
        rows += _decisions(decided) if verbose else []
    if len(chosen) > _SHOWN and not verbose:
        rows.append(("target", f"… and those of {len(chosen) - _SHOWN} more projects (-v shows them)"))
    return rows


def in_words(target: Target) -> str:
    """`torch 2.6.0, CUDA 12.4 (requirements.txt:3), Python 3.11 (Dockerfile:1), t4 (--gpu)`."""
    by_source: dict[str, list[str]] = {}
    for name, shown in _NAMES:
        value = getattr(target, name)
        if value is not None:
            text = "CPU build" if name == "cuda" and value.text == "cpu" else f"{_today(value)}{shown} {value.text}"
            by_source.setdefault(value.source, []).append(text)
    for gpu in target.gpus or ():
        by_source.setdefault(gpu.source, []).append(gpu.text)
    known = [f"{', '.join(texts)} ({source})" if source else ", ".join(texts) for source, texts in by_source.items()]
    known += ["no GPU"] if target.gpus == () else []
    return ", ".join(known) or "not given (--torch, --python, --gpu …)"


def _today(value: Value) -> str:
    """What the project leaves open is the newest that fits on the day of the tables."""
    return "today's " if value.kind == "project" and "newest that fits" in value.why else ""


def _sourced(value: Value) -> str:
    return f"{value.text} ({value.source})" if value.source else value.text


def _decisions(decided: Any) -> list[tuple[str, str]]:
    """What lost to each value, why it follows from its source, and why there is none."""
    rows = []
    for decision in decided.decisions:
        if decision.value is None:
            rows.append((f"no {decision.name}", decision.reason))
        elif decision.others or decision.value.why:
            lost = ", ".join(_sourced(other) for other in decision.others)
            why = f": {decision.value.why}" if decision.value.why else ""
            rows.append((decision.name, f"{_sourced(decision.value)}{why}" + (f"; not {lost}" if lost else "")))
    return rows

"""The peak of a load, read from the terms of the estimate."""

from modeldoctor.facts.memory import HELD, WEIGHTS, WHILE_LOADING, Memory, Need


def loading_peak(found: Memory) -> tuple[str, int, int]:
    """Where the load takes most (`host` or `GPU`), its peak and what stays of it, of one process."""
    host = _peak(found.host, HELD)
    used = [_peak(need, WEIGHTS) for need in found.devices if need.processes]
    device = max(used, default=(0, 0))
    return ("GPU", *device) if device[0] > host[0] else ("host", *host)


def _peak(need: Need, held: str) -> tuple[int, int]:
    stays = sum(term.likely or 0 for term in need.each if term.term == held)
    more = sum(term.high or 0 for term in need.each if term.term == WHILE_LOADING)
    return stays + more, stays

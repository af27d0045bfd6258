"""What the memory rules share: one process alone, and how a sum is told in a sentence."""

from collections.abc import Iterable

from modeldoctor.facts.memory import Memory, Need, Term
from modeldoctor.predict.memory.verdicts import decide, total
from modeldoctor.wording import memory


def alone(need: Need) -> tuple[str, int]:
    """The verdict of the GPU with one process, and the bytes that are certain."""
    every = (*need.each, *need.once)
    summed = total(every)
    return decide(summed, need.budget_bytes, every)[0], summed.low


def terms(found: Iterable[Term], shown: int = 3) -> str:
    """`weights 14.2 GiB, KV cache 448.0 MiB`: the largest terms that are known."""
    known = sorted(((term.likely or term.low, term.term) for term in found), reverse=True)
    return ", ".join(f"{name} {memory(size)}" for size, name in known[:shown] if size)


def smaller(found: Memory, budget_bytes: int) -> str:
    """The first dtype whose weights leave some room, as advice; empty when there is none."""
    for other in found.alternatives:
        if other.verdict != "does not fit" and other.weights_bytes < budget_bytes * 9 // 10:
            return f"serve it in {other.dtype}: {memory(other.weights_bytes)} of weights instead of " + memory(
                other.weights_bytes + other.saved_bytes
            )
    return ""

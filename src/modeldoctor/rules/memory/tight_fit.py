"""MDR402: the model fits only if nothing takes more than usual."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.predict.memory.verdicts import decide, total
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.memory._needs import terms
from modeldoctor.wording import memory


@rule(
    Memory,
    code="MDR402",
    slug="tight-fit",
    severity=Severity.WARNING,
    since="0.1",
    summary="one copy of the model takes nearly all memory of the GPU",
    confidence=Confidence.MEDIUM,
    needs=("gpus",),
)
def tight_fit(found: Memory, context: Context) -> Iterator[Hit]:
    """One process with the model may or may not fit the GPU: the budget lies inside the range of the estimate.

    ## What it finds
    A GPU of the target whose memory is above what is certain and below the upper bound of what one process needs. The
    message says whether the likely sum is above or below. Where the activations are not known (a state dict does not
    tell them) it is reported when everything else alone is likely to take all of the memory.

    ## Why it matters
    Such a service passes its test with one short request and fails under load, with a longer text or a larger batch, or
    after hours, when the allocator's memory is in pieces. Other processes on the same GPU, a notebook or a second
    worker, are enough to end it.

    ## Seen as
    * `torch.OutOfMemoryError: CUDA out of memory` for single requests, while others succeed
    * `torch.OutOfMemoryError … 1.21 GiB is reserved by PyTorch but unallocated`

    ## Fix
    Run `modeldoctor fit` with the length and number of requests to see what the sum is made of. A smaller dtype, a
    limit for batch and length, or `PYTORCH_ALLOC_CONF=expandable_segments:True` against slack are the usual ways out.

    ## References
    * docs/memory.md: the terms of the estimate, their sources and their errors
    * https://pytorch.org/docs/stable/notes/cuda.html, memory management
    """
    del context
    for need in found.devices:
        every = (*need.each, *need.once)
        summed = total(every)
        verdict, reason = decide(summed, need.budget_bytes, every)
        if need.budget_bytes is None:
            continue
        full = verdict == "unknown" and summed.known > need.budget_bytes
        if verdict != "tight" and not full:
            continue
        yield Hit(
            f"one copy in {found.dtype} takes nearly all of {need.name}, which has "
            f"{memory(need.budget_bytes)}: {reason}",
            fix="see `modeldoctor fit` for what it is made of; serve in a smaller dtype, or limit batch and length",
            notes=(("made of", terms(need.each)),),
            key=need.name,
            data={"likely_bytes": summed.known, "budget_bytes": need.budget_bytes},
        )

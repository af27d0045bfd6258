"""MDR401: the model is too large for the GPU."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.memory._needs import alone, smaller, terms
from modeldoctor.wording import memory


@rule(
    Memory,
    code="MDR401",
    slug="does-not-fit",
    severity=Severity.ERROR,
    since="0.1",
    summary="one copy of the model needs more memory than the GPU has",
    needs=("gpus",),
)
def does_not_fit(found: Memory, context: Context) -> Iterator[Hit]:
    """One process with the model does not fit the GPU, whatever the requests are.

    ## What it finds
    A GPU of the target whose memory is smaller than what is certain to be needed by one process: the weights in the
    dtype that is served, the cache of the requests where their length is known, the workspaces of the libraries, and
    the least that a CUDA context was seen to take. Upper bounds and guesses play no part in it, so there is no
    configuration of the allocator that would help.

    ## Why it matters
    The process dies while it starts, on the first `.to("cuda")`, or after the load when the first request comes. A
    supervisor starts it again, and every start reads the whole file.

    ## Seen as
    * `torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB. GPU 0 has a total capacity of 14.58 GiB`
    * `RuntimeError: CUDA out of memory` (torch before 2.5)
    * `CrashLoopBackOff` of a pod whose logs end with one of these

    ## Fix
    Serve in a smaller dtype, take a larger GPU, or split the model over several. `modeldoctor fit` tells what each
    would come to:

    ```python
    model = AutoModelForCausalLM.from_pretrained(path, torch_dtype=torch.bfloat16)
    ```

    ## References
    * docs/memory.md: the terms of the estimate, their sources and their errors
    """
    del context
    for need in found.devices:
        verdict, one = alone(need)
        if verdict != "does not fit" or need.budget_bytes is None:
            continue
        yield Hit(
            f"one copy in {found.dtype} needs at least {memory(one)} of {need.name}, which has "
            f"{memory(need.budget_bytes)}",
            fix=smaller(found, need.budget_bytes) or "take a GPU with more memory, or split the model over several",
            notes=(("made of", terms(need.each)), ("seen as", "torch.OutOfMemoryError: CUDA out of memory")),
            key=need.name,
            data={"need_bytes": one, "budget_bytes": need.budget_bytes},
        )

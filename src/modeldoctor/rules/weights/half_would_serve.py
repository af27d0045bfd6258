"""MDR409: weights in float32 that half as much memory would hold."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import memory

# Below this the context of CUDA takes more than the weights.
_WORTH_BYTES = 512 << 20


@rule(
    Checkpoint,
    code="MDR409",
    slug="half-would-serve",
    severity=Severity.INFO,
    since="0.1",
    summary="large weights are stored in float32 where bfloat16 or float16 would do for serving",
    confidence=Confidence.MEDIUM,
)
def half_would_serve(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The weights to serve are in single precision, and there are enough of them for half precision to matter.

    ## What it finds
    At least 512 MB of float32 among the weights of a file or model folder, where the target has a GPU or nothing is
    known of it. float64 has a rule of its own (`float64-weights`). On a CPU, half precision is often slower, so targets
    without a GPU pass.

    ## Why it matters
    Half precision halves the file, the time to load it, and the memory of weights and activations, and GPUs from Volta
    on multiply it several times as fast. Most networks lose nothing that can be measured: bfloat16 has the range of
    float32 (Ampere and newer), float16 is for older GPUs.

    ## Seen as
    * A model that takes twice the memory of what others report for it
    * `torch.OutOfMemoryError: CUDA out of memory` on a GPU that holds the same model elsewhere

    ## Fix
    Compare the outputs before you rely on it:

    ```python
    model = model.to(torch.bfloat16)
    torch.save(model.state_dict(), "model.bf16.pt")
    ```

    ## References
    * https://pytorch.org/docs/stable/amp.html
    * docs/memory.md: other dtypes
    """
    if context.part or checkpoint.state != "understood" or context.target.cpu_only:
        return
    if checkpoint.anatomy.storage_bytes < _WORTH_BYTES:
        return  # before anything of the memory estimate is imported
    from modeldoctor.predict.memory.sizes import served

    wide = sum(4 * tensor.numel for tensor in served(checkpoint) if tensor.dtype == "float32")
    if wide < _WORTH_BYTES:
        return
    yield Hit(
        f"{memory(wide)} of the weights are float32, bfloat16 or float16 would be {memory(wide // 2)}",
        fix="serve and save it in half precision, after comparing outputs: `model.to(torch.bfloat16)`",
        data={"float32_bytes": wide},
    )

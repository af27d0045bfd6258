"""MDR536: an output on a GPU that is made a NumPy array."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR536",
    slug="numpy-of-cuda",
    severity=Severity.WARNING,
    since="0.1",
    summary="an output that may lie on a GPU is turned into a NumPy array",
)
def numpy_of_cuda(source: Source, _: Context) -> Iterator[Hit]:
    """`.numpy()` is called on an output of a model that the code moves to a GPU, without `.cpu()` before it.

    ## What it finds
    `.numpy()` on what a model returned, where the same file moves models or inputs to a device (`.to(device)`,
    `.cuda()`) and neither the expression nor the assignment before it has `.cpu()`.

    ## Why it matters
    NumPy knows host memory only. On a machine without a GPU the device is the CPU and everything works, so tests and
    laptops never see it; on the GPU host every request fails. `.cpu()` on a CPU tensor costs nothing.

    ## Seen as
    * `TypeError: can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory
      first.`

    ## Fix
    Always go through the CPU:

    ```python
    array = output.detach().cpu().numpy()
    ```

    ## References
    * https://pytorch.org/docs/stable/generated/torch.Tensor.cpu.html
    * https://pytorch.org/docs/stable/generated/torch.Tensor.numpy.html
    """
    for seen in source.seen("numpy_cuda"):
        yield Hit(
            "`.numpy()` of an output that lies on the GPU where there is one raises `TypeError`",
            where=at(source, seen.where),
            confidence=Confidence.MEDIUM,
            fix="write `.cpu().numpy()`",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

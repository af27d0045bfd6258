"""MDR535: an output with gradients that is made a NumPy array."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR535",
    slug="numpy-of-gradient",
    severity=Severity.ERROR,
    since="0.1",
    summary="an output that records gradients is turned into a NumPy array",
)
def numpy_of_gradient(source: Source, _: Context) -> Iterator[Hit]:
    """`.numpy()` is called on an output of a model that still records gradients.

    ## What it finds
    `.numpy()` on what a model returned, or on what torch functions made of it, where the model was called without
    `no_grad` or `inference_mode` and nothing before detaches it.

    ## Why it matters
    An array shares memory with its tensor and knows nothing of gradients, so torch refuses. Every request fails,
    since the parameters of a loaded model require gradients unless somebody switched that off. Detaching hides the
    symptom; the forward pass still keeps all activations.

    ## Seen as
    * `RuntimeError: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.`

    ## Fix
    Run the model without gradients, and the output has none:

    ```python
    with torch.inference_mode():
        output = model(batch)
    array = output.cpu().numpy()
    ```

    ## References
    * https://pytorch.org/docs/stable/generated/torch.Tensor.numpy.html
    * https://pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html
    """
    for seen in source.seen("numpy_grad"):
        yield Hit(
            "`.numpy()` of an output that records gradients raises `RuntimeError`",
            where=at(source, seen.where),
            confidence=Confidence.MEDIUM,
            fix="call the model under `torch.inference_mode()`",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

"""MDR511: inference that records gradients."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain
from modeldoctor.wording import quoted


@rule(
    Source,
    code="MDR511",
    slug="missing-no-grad",
    severity=Severity.WARNING,
    since="0.1",
    summary="inference records gradients that nobody uses",
)
def missing_no_grad(source: Source, _: Context) -> Iterator[Hit]:
    """The model is called without `torch.no_grad()` or `torch.inference_mode()`.

    ## What it finds
    Calls of an `nn.Module` in a request, where neither the call nor any function on the way to it is under `no_grad`,
    `inference_mode` or `set_grad_enabled(False)`, as context manager or decorator. Pipelines, `generate()`,
    `predict()` of ultralytics and `encode()` of sentence-transformers do it themselves and are not reported.

    ## Why it matters
    Parameters that were loaded require gradients, so each forward pass keeps the activations of all layers until the
    output is freed: two to ten times the memory, which on a GPU decides how many requests fit at a time, and 10 to 30
    % of the time. An output that is stored (in a cache, a list, a metric) keeps the whole graph alive, and `.numpy()`
    on it fails.

    ## Seen as
    * `RuntimeError: Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.`
    * `torch.OutOfMemoryError: CUDA out of memory` for batches that fit in the evaluation
    * memory that grows with every request when outputs are kept

    ## Fix
    Put the call under `inference_mode`, which also skips version counting:

    ```python
    with torch.inference_mode():
        output = model(batch)
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/autograd.html#grad-modes
    * https://pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html
    """
    for run in source.inferences:
        if not run.grad or run.kind == "predictor":
            continue
        yield Hit(
            f"{quoted(run.model)} is called with gradients on: every layer keeps what a backward pass would need",
            where=at(source, run.where),
            confidence=Confidence.LOW if run.kind in {"named", "hub"} else None,
            fix="call it under `with torch.inference_mode():`",
            related=chain(source, run.entry, run.chain),
            key=f"{run.function} {run.model}",
        )

"""MDR408: inference that keeps what only training needs."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule


@rule(
    Memory,
    code="MDR408",
    slug="gradients-on",
    severity=Severity.WARNING,
    since="0.1",
    summary="the model is called without no_grad or inference_mode",
)
def gradients_on(found: Memory, context: Context) -> Iterator[Hit]:
    """The forward pass runs with gradients enabled, so the outputs of every layer stay in memory until it has ended.

    ## What it finds
    A call of the model in serving code that is under neither `torch.no_grad()` nor `torch.inference_mode()`, where the
    parameters require gradients as they do after `load_state_dict`. `model.eval()` does not change that: it concerns
    dropout and batch norm only.

    ## Why it matters
    Measured with torch 2.13.0, the activations of one pass took 2 times (a multilayer perceptron), 4.5 times (a UNet),
    7.6 times (ResNet-50) and 19 times (BERT-base) what they take without gradients. The graph also lives as long as the
    result does: outputs that are kept in a list or a cache keep all of it.

    ## Seen as
    * `torch.OutOfMemoryError: CUDA out of memory` at batch sizes that fit elsewhere
    * Memory that grows with each request when outputs are stored
    * `RuntimeError: Can't call numpy() on Tensor that requires grad`

    ## Fix
    Put the call under `inference_mode`, or under `no_grad` where its result goes into code that needs gradients:

    ```python
    @torch.inference_mode()
    def predict(batch):
        return model(batch)
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/autograd.html, locally disabling gradient computation
    * docs/memory.md: measured factors
    """
    del context
    if not found.serving.grad:
        return
    yield Hit(
        "the model is called with gradients on: its activations take 2 to 20 times as much memory",
        where=found.serving.grad_where,
        fix="put the call under `torch.inference_mode()`",
        notes=(("measured", "ResNet-50 7.6 times, UNet 4.5 times, BERT-base 19 times"),),
    )

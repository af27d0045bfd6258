"""MDR654: the handler forgets `eval()` or `inference_mode()`."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR654",
    slug="handler-habits",
    severity=Severity.INFO,
    since="0.1",
    summary="the handler forgets `eval()` or `inference_mode()`",
)
def handler_habits(archive: Archive, context: Context) -> Iterator[Hit]:
    """A handler that loads its model by itself must do what `BaseHandler` does for its subclasses.

    ## What it finds
    Handlers that load a model and never call `eval()`, or never enter `torch.no_grad()` or
    `torch.inference_mode()`.

    ## Why it matters
    Dropout and batch norm stay in training mode, so answers vary; every request keeps memory for gradients that
    nobody asks for.

    ## Seen as
    * (no line: the answers are only worse and the memory is higher)

    Nowhere: the server goes on without a line in `logs/ts_log.log` or an answer that tells it, which is why it is
    told here.

    ## Fix
    Add both:

    ```python
    self.model.eval()
    with torch.inference_mode():
        output = self.model(batch)
    ```

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `initialize` and `inference`; the notes on autograd
      of PyTorch
    """
    yield from told(archive, context, "handler-habits")

"""MDR650: a stage of BaseHandler gets what it cannot take."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR650",
    slug="request-input",
    severity=Severity.ERROR,
    since="0.1",
    summary="a stage of BaseHandler gets what it cannot take",
)
def request_input(archive: Archive, context: Context) -> Iterator[Hit]:
    """A request arrives as a list of dicts; the stock stages want tensors.

    ## What it finds
    Handlers that use `preprocess` of `BaseHandler` (named directly, or by a subclass that does not bring its own)
    without a `service_envelope`, and subclasses whose `preprocess` or `inference` returns a list or dict to a stock
    stage.

    ## Why it matters
    The model loads, health checks pass, and every request fails.

    ## Seen as
    * `Invoking custom service failed. RuntimeError: Could not infer dtype of dict`
    * `AttributeError: 'list' object has no attribute 'to'`

    The client gets 503 with `Prediction failed` or the sentence above; the traceback stands in `logs/model_log.log`
    and `logs/ts_log.log` under the folder that the server was started in (or under `LOG_LOCATION`).

    ## Fix
    Bring a `preprocess` that makes the tensor:

    ```python
    def preprocess(self, data):
        rows = [row.get("body") or row.get("data") for row in data]
        return torch.tensor(rows, device=self.device)
    ```

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `preprocess`, `inference`, `postprocess`
    """
    yield from told(archive, context, "request-input")

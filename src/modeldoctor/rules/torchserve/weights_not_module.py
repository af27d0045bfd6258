"""MDR638: the handler uses a loaded state_dict as if it were a module."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR638",
    slug="weights-not-module",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler uses a loaded state_dict as if it were a module",
)
def weights_not_module(archive: Archive, context: Context) -> Iterator[Hit]:
    """What `torch.load` returns is a dictionary here, and the handler calls it or its module methods.

    ## What it finds
    `torch.load` of a state_dict or training checkpoint whose result is called, or asked for `eval`, `to` and the
    like.

    ## Why it matters
    The first such use fails: at load when it is in `initialize`, else with the first request.

    ## Seen as
    * `AttributeError: 'collections.OrderedDict' object has no attribute 'eval'`
    * `TypeError: 'collections.OrderedDict' object is not callable`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Build the model from its class, then load the dictionary into it:

    ```python
    self.model = Net()
    self.model.load_state_dict(torch.load(path, weights_only=True))
    ```

    ## References
    * `torch/serialization.py`, `load`; the tutorial on saving and loading models of PyTorch
    """
    yield from told(archive, context, "weights-not-module")

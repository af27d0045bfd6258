"""MDR621: the server calls the handler with other arguments than it takes."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR621",
    slug="handler-signature",
    severity=Severity.ERROR,
    since="0.1",
    summary="the server calls the handler with other arguments than it takes",
)
def handler_signature(archive: Archive, context: Context) -> Iterator[Hit]:
    """The server makes the class without arguments and calls `initialize(context)` and `handle(data, context)`.

    ## What it finds
    `__init__` with parameters that have no default, `initialize` and `handle` that do not take one and two
    arguments, functions that do not take two, and classes that leave methods abstract. Functions behind unknown
    decorators are not judged.

    ## Why it matters
    A wrong `__init__`, `initialize` or function stops the worker from starting. A wrong `handle` of a class is
    worse: the model loads, health checks pass, and every request fails.

    ## Seen as
    * `TypeError: MyHandler.__init__() missing 1 required positional argument: 'cfg'`
    * `TypeError: handle() takes 1 positional argument but 2 were given`
    * `Invoking custom service failed. TypeError: MyHandler.handle() takes 2 positional arguments but 3 were given`
      (503)

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Use the signatures that the server calls:

    ```python
    def __init__(self): ...
    def initialize(self, context): ...
    def handle(self, data, context): ...
    ```

    ## References
    * github:pytorch/serve, `ts/model_loader.py`; `ts/service.py`, `predict`
    """
    yield from told(archive, context, "handler-signature")

"""MDR620: the handler class lacks `handle` or `initialize`."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR620",
    slug="handler-method-missing",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler class lacks `handle` or `initialize`",
)
def handler_method_missing(archive: Archive, context: Context) -> Iterator[Hit]:
    """The loader looks up `handle` on an instance of the class and calls `initialize(context)`.

    ## What it finds
    Handler classes that neither define nor inherit one of the two. A class with a base class that is not known here
    (not in the archive, not of the server) is not judged.

    ## Why it matters
    No worker starts. Methods called `predict`, `inference` or `setup` are not looked for, unless the class comes
    from `BaseHandler`, which brings both.

    ## Seen as
    * `ValueError: Expect handle method in class <class 'handler.MyHandler'>`
    * `AttributeError: 'MyHandler' object has no attribute 'initialize'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Define both, or inherit from the server's class:

    ```python
    class MyHandler:
        def initialize(self, context): ...
        def handle(self, data, context): ...
    ```

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `_get_class_entry_point`
    """
    yield from told(archive, context, "handler-method-missing")

"""MDR622: a function handler uses `data` although it is None at load."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR622",
    slug="handler-none",
    severity=Severity.ERROR,
    since="0.1",
    summary="a function handler uses `data` although it is None at load",
)
def handler_none(archive: Archive, context: Context) -> Iterator[Hit]:
    """A function handler is called once with `data` None when the model loads; that is its chance to initialize.

    ## What it finds
    Functions that take the length of `data`, index it, loop over it or use an attribute of it before they ask
    whether it is None: for sure (error) or on some way (warning).

    ## Why it matters
    No worker starts, and the traceback looks like that of a request that never was.

    ## Seen as
    * `TypeError: object of type 'NoneType' has no len()`
    * `TypeError: 'NoneType' object is not iterable`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Begin with the test:

    ```python
    def handle(data, context):
        if data is None:
            return None
    ```

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `_get_function_entry_point`: `entry_point(None, ctx)`
    """
    yield from told(archive, context, "handler-none")

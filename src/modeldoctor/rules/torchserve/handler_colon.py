"""MDR617: `handler:Name` names a class, or nothing."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR617",
    slug="handler-colon",
    severity=Severity.ERROR,
    since="0.1",
    summary="`handler:Name` names a class, or nothing",
)
def handler_colon(archive: Archive, context: Context) -> Iterator[Hit]:
    """What stands after the colon is a function that the loader calls with two arguments, never a class to be made.

    ## What it finds
    `handler:MyHandler` where `MyHandler` is a class (error), and a name that the module does not have (warning),
    which the loader ignores.

    ## Why it matters
    Tutorials recommend `handler:ClassName`; the server does the opposite of what they say. It calls
    `MyHandler(None, context)` when the model loads, and no worker starts. `handler.py` alone is right: the one
    class of the module is found by itself.

    ## Seen as
    * `TypeError: MyHandler.__init__() takes 1 positional argument but 3 were given`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Write `handler.py`, or `handler:function` for a function that takes `(data, context)`:

    ```json
    {"model": {"handler": "handler.py"}}
    ```

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `load` and `_get_function_entry_point`
    """
    yield from told(archive, context, "handler-colon")

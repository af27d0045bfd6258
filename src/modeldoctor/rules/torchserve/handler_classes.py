"""MDR619: the handler module does not have exactly one class."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR619",
    slug="handler-classes",
    severity=Severity.ERROR,
    since="0.1",
    summary="the handler module does not have exactly one class",
)
def handler_classes(archive: Archive, context: Context) -> Iterator[Hit]:
    """Without a function `handle` the loader wants exactly one class that the module itself defines.

    ## What it finds
    Handler modules with two or more classes of their own, or with none. Imported classes do not count; enums,
    dataclasses, exceptions, `namedtuple` results and second names of a class do. With a function called `handle`
    any number is fine.

    ## Why it matters
    No worker starts. It often appears when a helper class or an exception moves into the handler file. Classes
    behind a condition or an unknown decorator are not judged.

    ## Seen as
    * `ValueError: Expected only one class in custom service code or a function entry point [<class
      'handler.Helper'>, …]`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Move the other classes into a module of their own, pack it with `--extra-files` and import it, or give the
    module an entry point:

    ```python
    _service = MyHandler()

    def handle(data, context): ...
    ```

    ## References
    * github:pytorch/serve, `ts/model_loader.py`, `_get_class_entry_point`; `ts/utils/util.py`,
      `list_classes_from_module`; issues 806 and 964
    """
    yield from told(archive, context, "handler-classes")

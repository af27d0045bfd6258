"""MDR618: a Python file on the way to the handler cannot be compiled."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR618",
    slug="handler-syntax",
    severity=Severity.ERROR,
    since="0.1",
    summary="a Python file on the way to the handler cannot be compiled",
)
def handler_syntax(archive: Archive, context: Context) -> Iterator[Hit]:
    """The handler, the model file or a module that they import has a syntax error.

    ## What it finds
    Python files of the archive that importing the handler or the `modelFile` reaches, compiled with the grammar of
    the Python that runs this tool.

    ## Why it matters
    No worker starts. torch-model-archiver packs such a file without a word, for it never looks inside.

    ## Seen as
    * `SyntaxError: expected ':'` (handler.py, line 2)

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Compile the files before packing:

    ```sh
    python -m py_compile handler.py model.py
    ```

    ## References
    * Python, `ast.parse`; github:pytorch/serve, `ts/model_loader.py`, `_load_handler_file`;
      `model_packaging_utils.py`
    """
    yield from told(archive, context, "handler-syntax")

"""MDR632: `modelFile` is not a module with exactly one class."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR632",
    slug="model-file",
    severity=Severity.ERROR,
    since="0.1",
    summary="`modelFile` is not a module with exactly one class",
)
def model_file(archive: Archive, context: Context) -> Iterator[Hit]:
    """The stock `initialize` imports the model file and makes its only class without arguments.

    ## What it finds
    Model files that are not packed, lie in a folder, hold no class or more than one of their own, or whose class
    wants arguments. Only judged when the stock `initialize` runs: a handler that loads by itself may do as it
    likes.

    ## Why it matters
    No worker starts. Building blocks next to the model (`class Block`) are the usual cause; imported classes do not
    count.

    ## Seen as
    * `RuntimeError: Missing the model.py file`
    * `ValueError: Expected only one class as model definition. [<class 'model.Block'>, <class 'model.Net'>]`
    * `TypeError: Net.__init__() missing 1 required positional argument: 'classes'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Put the blocks into another file, pack it with `--extra-files` and import them, and give every parameter a
    default.

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `_load_pickled_model`
    """
    yield from told(archive, context, "model-file")

"""MDR634: the manifest names no weights."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR634",
    slug="no-weights-named",
    severity=Severity.ERROR,
    since="0.1",
    summary="the manifest names no weights",
)
def no_weights_named(archive: Archive, context: Context) -> Iterator[Hit]:
    """The stock `initialize` needs `serializedFile`, `modelFile`, or both.

    ## What it finds
    Manifests with neither (error), and with `modelFile` alone (warning), when the stock `initialize` runs.

    ## Why it matters
    With neither the worker dies of an error about `NoneType`. With the class alone the model serves: with the
    random weights that it was made with, and nobody is told.

    ## Seen as
    * `AttributeError: 'NoneType' object has no attribute 'endswith'`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Pack the weights with `--serialized-file model.pth`, and for a state_dict the class with `--model-file`.

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `initialize` and `_load_pickled_model`
    """
    yield from told(archive, context, "no-weights-named")

"""MDR636: the server's torch cannot load the weights in the way the handler loads them."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR636",
    slug="weights-not-loadable",
    severity=Severity.ERROR,
    since="0.1",
    summary="the server's torch cannot load the weights in the way the handler loads them",
)
def weights_not_loadable(archive: Archive, context: Context) -> Iterator[Hit]:
    """The load call of the handler, the file and the release of torch do not go together.

    ## What it finds
    Model files in the archive for which the predicted load fails: damaged files, pickled modules under
    `weights_only=True` (the default since torch 2.6, which the stock handler does not override), TorchScript given
    to `torch.load`, classes that the archive does not hold. Without a known release it is an error only when every
    release fails, else a warning.

    ## Why it matters
    No worker starts, and the archiver said nothing when the archive was built: it never looks inside a file.

    ## Seen as
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported global: GLOBAL model.Net`
    * `RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory`
    * ``` RuntimeError: Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``. ```

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Save the state_dict and name the class with `--model-file`; copy a damaged file again. `--torch` tells which
    release to judge.

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `_load_pickled_model`; `torch/serialization.py`,
      `load`
    """
    yield from told(archive, context, "weights-not-loadable")

"""MDR635: a `.pt` file without `modelFile` must be TorchScript, and it is not."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR635",
    slug="weights-not-scripted",
    severity=Severity.ERROR,
    since="0.1",
    summary="a `.pt` file without `modelFile` must be TorchScript, and it is not",
)
def weights_not_scripted(archive: Archive, context: Context) -> Iterator[Hit]:
    """Without `modelFile` a file named `.pt` goes to `torch.jit.load`.

    ## What it finds
    State_dicts, training checkpoints and pickled modules named `.pt` where the manifest has no `modelFile`.

    ## Why it matters
    No worker starts, and the message claims that the file is corrupted. It is whole: it was written by
    `torch.save`, and the loader looks for a member that only `torch.jit.save` writes.

    ## Seen as
    * `RuntimeError: PytorchStreamReader failed locating file constants.pkl: file not found`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Add the class, or save TorchScript:

    ```python
    torch.jit.save(torch.jit.script(model), "model.pt")
    ```

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `_load_torchscript_model`;
      `torch/csrc/jit/serialization/import.cpp`
    """
    yield from told(archive, context, "weights-not-scripted")

"""MDR633: without `modelFile` the suffix of the weights decides, and this one is not loaded."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR633",
    slug="weights-suffix",
    severity=Severity.ERROR,
    since="0.1",
    summary="without `modelFile` the suffix of the weights decides, and this one is not loaded",
)
def weights_suffix(archive: Archive, context: Context) -> Iterator[Hit]:
    """The stock `initialize` chooses the loader by the name of the file, not by what is in it.

    ## What it finds
    `serializedFile` that does not end in `.pt` (nor `.onnx`, nor `.so` with `pt2.export.aot_compile`) where the
    manifest has no `modelFile`: `.pth`, `.bin`, `.ckpt`, `.safetensors`, `.pt2`, even for a good TorchScript file.

    ## Why it matters
    No worker starts, and the archiver said nothing when the archive was built: it never looks inside a file.

    ## Seen as
    * `RuntimeError: No model weights could be loaded`

    The line stands in `logs/model_log.log` and `logs/ts_log.log` under the folder that the server was started in
    (or under `LOG_LOCATION`) and on the console. The HTTP answer is the same for every cause: `Failed to start
    workers for model m version: 1.0` (500). Now and then the server loses the traceback of one attempt: read that
    of a later one.

    ## Fix
    Name the class with `--model-file model.py` for a state_dict, or rename TorchScript to `.pt`.

    ## References
    * github:pytorch/serve, `ts/torch_handler/base_handler.py`, `initialize`
    """
    yield from told(archive, context, "weights-suffix")

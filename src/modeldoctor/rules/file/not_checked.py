"""MDR102: a known format that PyTorch does not load."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import load_error, named_as_model, strict_severity

# Formats that have a rule of their own, always or under the name of a model.
_SPOKEN_FOR = frozenset({"lfs-pointer", "annex-pointer", "empty", "zeros", "encrypted-zip", "json-error"})
_PAGES = frozenset({"html", "xml", "json", "text", "mangled"})


@rule(
    Checkpoint,
    code="MDR102",
    slug="not-checked",
    severity=Severity.WARNING,
    since="0.1",
    summary="the file is of another format, which is recognised but not checked",
)
def not_checked(checkpoint: Checkpoint, context: Context) -> Iterator[Hit | Unjudged]:
    r"""The file is of a format that PyTorch does not load: it is named, and nothing in it was judged.

    ## What it finds
    ONNX, GGUF, HDF5 and Keras, TensorFlow, NumPy, TensorRT, Core ML, images, archives and other formats that are known
    by their first bytes. A warning when you name the file; an error with `--strict`; listed as not checked when it was
    only met while walking a folder.

    ## Why it matters
    *Not checked* is not *clean*: such a file can be damaged or hostile and this tool would not know. And if the name
    says that it is a PyTorch model (`.pt`, `.pth`, `.bin`, `.ckpt`), the service that calls `torch.load` on it fails at
    start-up. What the message says depends on the first byte: GGUF starts with `G`, HDF5 with `\x89`, ONNX with a
    protobuf tag.

    ## Seen as
    * `_pickle.UnpicklingError: invalid load key, '\x08'.` (an ONNX file under torch up to 2.5)
    * `_pickle.UnpicklingError: Weights only load failed. … WeightsUnpickler error: Unsupported operand 8` (the same
      file under torch 2.6 and later)
    * `RuntimeError: [enforce fail at inline_container.cc] . file in archive is not in a subdirectory: arr_0.npy` (a
      NumPy `.npz`, or any other zip)

    ## Fix
    Load it with the library it was made for, or export the PyTorch model again. To leave such files out of a check,
    name the model files, or ignore the rule for them:

    ```toml
    [tool.modeldoctor]
    ignore = ["not-checked"]
    ```

    ## References
    * What `torch.load` opens: `torch/serialization.py`, `load`
    """
    if checkpoint.state != "recognised" or checkpoint.format in _SPOKEN_FOR or checkpoint.children:
        return
    if checkpoint.format in _PAGES and named_as_model(checkpoint):
        return  # an error page
    if not (context.explicit or context.strict):
        yield Unjudged(f"not checked: {checkpoint.title} is recognised, its content is not judged")
        return
    yield Hit(
        f"not checked: {checkpoint.title} is recognised, its content is not judged",
        fix=checkpoint.advice or "load it with the library that wrote it",
        severity=strict_severity(context),
        notes=(("seen as", load_error(checkpoint)),) if named_as_model(checkpoint) else (),
    )

"""MDR101: bytes that are no format known here."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import load_error, seen
from modeldoctor.wording import argument, size


@rule(
    Checkpoint,
    code="MDR101",
    slug="not-understood",
    severity=Severity.ERROR,
    since="0.1",
    summary="the bytes are no format that is known here, so nothing was checked",
)
def not_understood(checkpoint: Checkpoint, context: Context) -> Iterator[Hit | Unjudged]:
    r"""A file was given as a model, and its bytes are none of the formats that PyTorch or its neighbours write.

    ## What it finds
    The first bytes and the structure of the file match nothing: no zip, no pickle, no safetensors header, no tar, none
    of the foreign formats that are recognised by name (ONNX, GGUF, HDF5 …). A file that you name is reported as an
    error. One that was only met while walking a folder is listed as not checked, unless `--strict` is given.

    ## Why it matters
    Nothing can be said about the file: this is neither *clean* nor *damaged*. `torch.load` will not open it either. Its
    message then depends on what the first byte happens to mean as a pickle opcode, and torch 2.6 and later wrap it in
    the advice to set `weights_only=False`. That advice is wrong here: it removes the protection and changes nothing.

    ## Seen as
    * `_pickle.UnpicklingError: invalid load key, '\x00'.` (torch up to 2.5, and any release with
      `weights_only=False`)
    * `_pickle.UnpicklingError: Weights only load failed. … WeightsUnpickler error: Unsupported operand 0` (torch 2.6
      and later)
    * `RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory`
      (`torch.jit.load`)

    ## Fix
    Find out what the file is and where it came from, then put the model in its place:

    ```sh
    file model.pt; head -c 64 model.pt | xxd
    sha256sum model.pt        # compare with the source
    ```

    A file that was encrypted or packed by a tool of your own must be decrypted or unpacked before it is checked.

    ## References
    * Reading a magic number and then falling back to pickle: `torch/serialization.py`, `load` and `_legacy_load`
    """
    if checkpoint.state != "not understood":
        return
    if not (context.explicit or context.strict):
        yield Unjudged("not understood: the bytes are no format that is known here")
        return
    yield Hit(
        f"not understood: the {size(checkpoint.size_bytes)} are no format that PyTorch writes or that is known here",
        fix=checkpoint.advice
        or f"find out what it is (`file {argument(checkpoint.path)}`) and put the model in its place",
        notes=(
            *seen(list(checkpoint.problems)),
            ("seen as", load_error(checkpoint)),
            ("why", "torch 2.6 and later advise weights_only=False for such a file; that doesn't help"),
        ),
    )

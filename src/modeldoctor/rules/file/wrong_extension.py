"""MDR109: a name that sends the content to the wrong loader."""

import os
from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import cut_or_sealed

_TORCH_NAMES = (".pt", ".pth", ".bin", ".ckpt", ".th")
_TORCH_FILES = ("torch-zip", "torch-legacy", "torch-tar", "torchscript")
_FOREIGN_NAMES = (".onnx", ".gguf", ".h5", ".hdf5", ".keras", ".tflite", ".npy", ".npz", ".pb")


# Content of one of these formats under one of these names: how bad it is, what it is, what users see, what to do.
# Plain tuples: making a class for them would take longer than looking through all.
_CLASHES = (
    (
        ("safetensors",),
        _TORCH_NAMES,
        Severity.ERROR,
        "safetensors content: torch.load and libraries that go by the name take it for a pickle",
        "_pickle.UnpicklingError: invalid load key, or Weights only load failed … Unsupported operand (torch 2.6 on)",
        "rename it to `{stem}.safetensors` and load it with `safetensors.torch.load_file`",
    ),
    (
        _TORCH_FILES,
        (".safetensors",),
        Severity.ERROR,
        "a {title}: safetensors can't open it, and from 2.13 on torch.load goes by this name too",
        "SafetensorError: Error while deserializing header: header too large",
        "rename it to `{stem}.pt`, or convert it: `safetensors.torch.save_file(state_dict, path)`",
    ),
    (
        ("pickle", "joblib"),
        _TORCH_NAMES,
        Severity.ERROR,
        "a {title}, which torch.load can't open: it was not written by torch.save",
        "RuntimeError: Invalid magic number; corrupt file?, or Weights only load failed (torch 2.6 on)",
        "load it with `{loader}.load` where you trust it, and save the weights with torch.save",
    ),
    (
        (*_TORCH_FILES, "safetensors"),
        _FOREIGN_NAMES,
        Severity.ERROR,
        "a {title}, not what the name says: no loader for that name opens it",
        "INVALID_PROTOBUF (onnxruntime), `file signature not found` (h5py) or the like",
        "rename it to `{stem}.pt` (safetensors: `{stem}.safetensors`), or export it to the format of the name",
    ),
    (
        ("torchscript",),
        (".pth", ".bin", ".ckpt", ".th"),
        Severity.INFO,
        "a {title} under a name that is used for state_dicts: torch.jit.load opens it, torch.load does not",
        "RuntimeError: Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load`` (2.6 on)",
        "load it with `torch.jit.load`; `.pt` or `.ts` says so",
    ),
    (
        ("torch-zip", "torch-legacy", "torch-tar"),
        (".pkl", ".pickle", ".joblib"),
        Severity.INFO,
        "a {title} under the name of a plain pickle: torch.load opens it, pickle.load does not",
        "_pickle.UnpicklingError: A load persistent id instruction was encountered, but no persistent_load function …",
        "load it with `torch.load`, or rename it to `{stem}.pt`",
    ),
)


@rule(
    Checkpoint,
    code="MDR109",
    slug="wrong-extension",
    severity=Severity.ERROR,
    since="0.1",
    summary="the name sends the content to a loader that cannot read it",
)
def wrong_extension(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Name and content disagree in a way that makes a loader fail. Harmless habits (`.pth`, `.tar`, no suffix) pass.

    ## What it finds
    * safetensors named `.pt`, `.pth`, `.bin` or `.ckpt`: `torch.load` fails, and so do libraries that choose the loader
      by the name
    * a torch.save file or TorchScript named `.safetensors`: safetensors and transformers fail, and `torch.load` from
      2.13 on
    * a plain pickle or a joblib file named `.pt`, `.pth`, `.bin` or `.ckpt`: `torch.load` fails
    * a torch.save file or safetensors named `.onnx`, `.h5`, `.gguf` …: every loader for that name fails
    * TorchScript named `.pth`, `.bin` or `.ckpt`: `torch.load` fails; a common habit, so only an info
    * a torch.save file named `.pkl` or `.joblib`: `pickle.load` fails; only an info

    ## Why it matters
    `torch.load` goes by the first bytes, so a name rarely hurts it (2.13 added one exception: what ends in
    `.safetensors` is given to the safetensors library). Everything around it goes by the name: transformers, diffusers,
    accelerate, TorchServe handlers, upload filters and scanners. A wrong name passes all tests that load the file one
    way and fails in the service that loads it the other way.

    ## Seen as
    * `_pickle.UnpicklingError: invalid load key, '>'.` (safetensors under a torch name; the character is the length of
      the header)
    * `SafetensorError: Error while deserializing header: header too large` (torch file under `.safetensors`)
    * `RuntimeError: Invalid magic number; corrupt file?` (plain pickle)
    * ``RuntimeError: Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``.`` (2.6 on)
    * `_pickle.UnpicklingError: A load persistent id instruction was encountered, but no persistent_load function was
      specified.` (`pickle.load` on a torch file)

    ## Fix
    Rename the file, or convert it to what the name promises:

    ```python
    from safetensors.torch import load_file, save_file
    torch.save(load_file("model.pt"), "model.real.pt")                       # it was safetensors
    save_file(torch.load("model.safetensors", weights_only=True), "new.safetensors")  # it was torch.save
    ```

    ## References
    * `torch/serialization.py`, `load`: `_is_zipfile`, and the check for `.safetensors` since 2.13
    """
    del context
    if checkpoint.state != "understood" or cut_or_sealed(checkpoint):
        return
    stem, suffix = os.path.splitext((checkpoint.member or checkpoint.path).replace("\\", "/").rpartition("/")[2])
    for formats, names, severity, what, seen_as, fix in _CLASHES:
        if checkpoint.format in formats and suffix.lower() in names:
            loader = "joblib" if checkpoint.format == "joblib" else "pickle"
            yield Hit(
                f"the name ends in `{suffix}`, the content is {what.format(title=checkpoint.title)}",
                severity=severity,
                fix=fix.format(stem=stem, loader=loader),
                notes=(("seen as", seen_as),),
            )
            return

"""MDR122: written in one of the formats before torch 1.6."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import size

_MMAP = (
    "RuntimeError: mmap can only be used with files saved with "
    "`torch.save(_use_new_zipfile_serialization=True), please torch.save your checkpoint with this option`"
)
_TAR = "RuntimeError: Cannot use ``weights_only=True`` with files saved in the legacy .tar format (torch 2.6 on)"


@rule(
    Checkpoint,
    code="MDR122",
    slug="legacy-format",
    severity=Severity.INFO,
    since="0.1",
    summary="the file is in a format that torch wrote before 1.6",
)
def legacy_format(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file is a chain of pickles with the storages behind it, as torch wrote by default until 1.5, or an older tar.

    ## What it finds
    The legacy stream (magic number `0x1950a86a20f9469cfc6c`; an info) and the tar of torch before 0.1.10 (a warning,
    because torch 2.6 and later refuse it by default). Newer releases still write the stream when asked to with
    `_use_new_zipfile_serialization=False`.

    ## Why it matters
    The stream loads everywhere and has no `mmap`: every worker process reads the whole file into memory of its own, and
    nothing in it can be read without reading what stands before. It knows no checksum and no directory, so a cut file
    shows only when the load reaches the cut. Types that are newer than the format get lost on the way: float8 and
    uint16 tensors can be saved to it and loaded by no release. The tar format predates `weights_only` and does not work
    with it, and torch 2.5.1 and earlier could be made to run code through it even with `weights_only=True`
    (CVE-2025-32434).

    ## Seen as
    * `RuntimeError: mmap can only be used with files saved with torch.save(_use_new_zipfile_serialization=True)`
    * ``RuntimeError: Cannot use ``weights_only=True`` with files saved in the legacy .tar format`` (tar, 2.6 and later)
    * `AttributeError: 'UntypedStorage' object has no attribute 'dtype'` (float8 in the stream)

    ## Fix
    ```python
    state = torch.load("model.pt", map_location="cpu", weights_only=True)
    torch.save(state, "model.new.pt")        # or safetensors.torch.save_file
    ```

    The tar needs `weights_only=False`, so do that in a place where nothing is lost, and only with a file that you
    trust.

    ## References
    * `torch/serialization.py`, `_legacy_load`, `MAGIC_NUMBER`, `_legacy_save`
    """
    del context
    if checkpoint.format not in {"torch-legacy", "torch-tar"} or checkpoint.state != "understood":
        return
    tar = checkpoint.format == "torch-tar"
    yield Hit(
        f"the file is a {checkpoint.title}: "
        + (
            "torch 2.6 and later don't load it by default"
            if tar
            else f"no mmap, every process reads all {size(checkpoint.size_bytes)}"
        ),
        severity=Severity.WARNING if tar else Severity.INFO,
        fix="load it once and save it again with torch.save, or as safetensors",
        notes=(("seen as", _TAR if tar else _MMAP),),
    )

"""MDR104: the end of the file is missing."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Storage
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import Notes, problems_of, seen
from modeldoctor.wording import argument, count, listing, size

_NO_DIRECTORY = "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory"
_SEEN_AS = {
    "torch-legacy": "_pickle.UnpicklingError: pickle data was truncated, EOFError: Ran out of input, "
    "or RuntimeError: unexpected EOF, expected 4 more bytes. The file might be corrupted.",
    "pickle": "_pickle.UnpicklingError: pickle data was truncated, or EOFError: Ran out of input",
    "safetensors": "SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered",
}


@rule(
    Checkpoint,
    code="MDR104",
    slug="truncated",
    severity=Severity.ERROR,
    since="0.1",
    summary="the end of the file is missing",
)
def truncated(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file stops before its own structure says that it ends: a download, copy or save that did not finish.

    ## What it finds
    A zip without its directory, which stands at the very end; members, storages or tensors that reach beyond the end of
    the file; a pickle that ends in the middle of an opcode. What is still there is read: the message says how many
    bytes are left, how many tensors lost their data, and which is the first.

    ## Why it matters
    No release of torch loads such a file, and its message rarely says why. torch 2.6 and later even answer a cut legacy
    file with the advice to set `weights_only=False`, which opens a door and helps nothing. The usual causes are a
    cancelled `wget` or `curl`, a full disk, a container layer that was built while training still wrote the file, and
    `torch.save` killed half-way: it writes in place, so the previous good checkpoint is gone too.

    ## Seen as
    * `RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory` (any release;
      2.11 and later add `This is an internal miniz error. If you are seeing this error, there is a high likelihood that
      your checkpoint file is corrupted.`)
    * `_pickle.UnpicklingError: pickle data was truncated`, `EOFError: Ran out of input`, `struct.error: unpack requires
      a buffer of 4 bytes`, `RuntimeError: unexpected EOF, expected 4 more bytes. The file might be corrupted.` (legacy
      files, by the place of the cut)
    * `SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered` (before
      safetensors 0.6: `MetadataIncompleteBuffer`), `invalid header length`

    ## Fix
    Fetch the file again with a tool that resumes and compare size and checksum with the source:

    ```sh
    curl --fail --location --continue-at - --output model.pt URL
    sha256sum model.pt
    ```

    When your own training wrote it, write to another name first and rename, which is atomic:

    ```python
    torch.save(state, "model.pt.tmp")
    os.replace("model.pt.tmp", "model.pt")
    ```

    ## References
    * The directory at the end of a zip: APPNOTE.TXT 6.3.10, section 4.3.16
    * `torch/serialization.py`, `_legacy_load`; `c10/core/StorageImpl` reading with `unexpected EOF`
    """
    del context
    problems = problems_of(checkpoint, "truncated")
    if not problems or problems_of(checkpoint, "unreadable", "encrypted-member"):
        return
    yield Hit(
        f"the file is cut off after {size(checkpoint.size_bytes)}{_missing_bytes(checkpoint)}",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix=f"fetch or save it again and compare `sha256sum {argument(checkpoint.path)}` with the source",
        notes=(
            *seen(problems),
            *_lost(checkpoint),
            ("seen as", _SEEN_AS.get(checkpoint.format, _NO_DIRECTORY)),
        ),
    )


def _incomplete(checkpoint: Checkpoint) -> dict[int, Storage]:
    """The storages whose bytes are not all there, by their index."""
    return {
        index: storage
        for index, storage in enumerate(checkpoint.storages)
        if (storage.stored_bytes or 0) < storage.size_bytes
    }


def _missing_bytes(checkpoint: Checkpoint) -> str:
    lost = sum(storage.size_bytes - (storage.stored_bytes or 0) for storage in _incomplete(checkpoint).values())
    if not lost:
        return ""
    return (
        f": {size(lost)} of {size(sum(storage.size_bytes for storage in checkpoint.storages))} of tensors are missing"
    )


def _lost(checkpoint: Checkpoint) -> Notes:
    incomplete = _incomplete(checkpoint)
    lost = [tensor.path for tensor in checkpoint.tensors if tensor.storage in incomplete]
    if not lost:
        return ()
    return (("missing", f"{count(len(lost), 'tensor')} of {len(checkpoint.tensors):,}: {listing(lost)}"),)

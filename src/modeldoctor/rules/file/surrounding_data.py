"""MDR117: bytes before or behind the archive."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of, seen
from modeldoctor.wording import size


@rule(
    Checkpoint,
    code="MDR117",
    slug="surrounding-data",
    severity=Severity.WARNING,
    since="0.1",
    summary="there are bytes before or behind the model that do not belong to it",
)
def surrounding_data(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file holds more than the model: something stands before its first byte or after its last.

    ## What it finds
    Bytes before the first record of a zip, bytes behind its end record, behind the last storage of a legacy file, or
    behind the last tensor of a safetensors file.

    ## Why it matters
    torch decides by the first four bytes: with anything in front, a zip is taken for a pickle and refused. Behind the
    archive it tolerates up to 64 KiB, because it searches backwards for the directory, and not even that reliably: with
    10,000 stray bytes torch 2.13.0 stops with `OSError: [Errno 22] Invalid argument`, with 60,000 it loads. One file
    that is two things at once is also how content is smuggled past a scanner: what the scanner reads and what torch
    loads are different archives. Of two zips that are joined together Python's `zipfile` reads the last, and torch the
    first, because it takes the offsets in the end record as they stand.

    ## Seen as
    * `UnicodeDecodeError: 'utf-8' codec can't decode byte 0x80 in position 65` or `_pickle.UnpicklingError: invalid
      load key` (bytes in front)
    * `RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory` (more than 64 KiB
      behind), `OSError: [Errno 22] Invalid argument` (less, by chance)
    * `SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered`

    ## Fix
    Find out what the extra bytes are (`tail -c 200 model.pt | xxd`), and take the file from its source again. If you
    trust it, loading and saving leaves them out:

    ```python
    torch.save(torch.load("model.pt", map_location="cpu", weights_only=True), "model.clean.pt")
    ```

    ## References
    * `torch/serialization.py`, `_is_zipfile`; the search for the end record: `mz_zip_reader_locate_header_sig` in miniz
    """
    del context
    if cut_or_sealed(checkpoint):
        return
    before, after = problems_of(checkpoint, "prepended-data"), problems_of(checkpoint, "appended-data")
    container = checkpoint.container
    if before:
        amount = size(container.prepended_bytes) if container and container.prepended_bytes else "bytes"
        yield Hit(
            f"{amount} stand before the archive: torch reads the first bytes, other readers the archive behind them",
            where=place(checkpoint, before[0].member, before[0].byte),
            severity=Severity.ERROR,
            fix="take the file from its source again, or cut them off if you know what they are",
            notes=(*seen(before), ("seen as", "_pickle.UnpicklingError or UnicodeDecodeError from torch.load")),
            key="before",
        )
    if after:
        amount = size(container.appended_bytes) if container and container.appended_bytes else "bytes"
        yield Hit(
            f"{amount} stand behind the end of the model and do not belong to it",
            where=place(checkpoint, after[0].member, after[0].byte),
            fix="find out what they are (`tail -c 200 FILE | xxd`) and take the file from its source again",
            notes=seen(after),
            key="after",
        )

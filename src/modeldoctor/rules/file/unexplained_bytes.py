"""MDR121: bytes in the archive that nothing refers to."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Record
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of
from modeldoctor.wording import count, listing, share, size

# What torch.save writes beside the storages (torch/serialization.py, _save; inline_container.cc).
_OWN = frozenset(
    ("data.pkl", "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id")
)
# Less is not worth a word: two megabytes, or a twentieth of a small file.
_WORTH_BYTES = 2_000_000
_WORTH_PART = 20
_WORTH_SMALL_BYTES = 10_000


@rule(
    Checkpoint,
    code="MDR121",
    slug="unexplained-bytes",
    severity=Severity.WARNING,
    since="0.1",
    summary="the archive holds records that no tensor refers to",
)
def unexplained_bytes(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file is larger than its tensors explain: it carries records that the pickle never mentions.

    ## What it finds
    Members of a `torch.save` archive that are neither a storage of a tensor nor one of the small records that torch
    writes, when they are larger than 2 MB together or a twentieth of the file. TorchScript, export and package archives
    hold code and extra files by design and are left out.

    ## Why it matters
    Loading ignores these bytes, but they are stored, copied into every image and downloaded at every cold start. They
    come from tools that edit a checkpoint in place and leave the old storages behind, or from files that somebody put
    into the archive. They are also a place to hide something, since a loader never looks at them.

    ## Seen as
    No error. The file is larger than `sum(t.nbytes for t in state_dict.values())` says, and pulls of the image take
    longer than they should.

    ## Fix
    Load and save again, which writes exactly what the tensors need:

    ```python
    torch.save(torch.load("model.pt", map_location="cpu", weights_only=True), "model.slim.pt")
    ```

    ## References
    * `torch/serialization.py`, `_save`: one record for each storage
    """
    del context
    container = checkpoint.container
    if checkpoint.format != "torch-zip" or checkpoint.state != "understood" or container is None:
        return
    if cut_or_sealed(checkpoint) or problems_of(checkpoint, "limit", "several-roots", "no-root", "missing-record"):
        return
    strangers = [record for record in container.records if not _is_own(record, container.root)]
    unexplained = sum(record.packed_bytes for record in strangers)
    worth = max(_WORTH_SMALL_BYTES, min(_WORTH_BYTES, checkpoint.size_bytes // _WORTH_PART))
    if unexplained < worth:
        return
    strangers.sort(key=lambda record: -record.packed_bytes)
    yield Hit(
        f"{size(unexplained)} of {size(checkpoint.size_bytes)} ({share(unexplained, checkpoint.size_bytes)}) lie in "
        f"{count(len(strangers), 'record')} that no tensor refers to: {listing([record.name for record in strangers])}",
        where=place(checkpoint, strangers[0].name),
        fix="load it and save it again: torch.save writes only what the object needs",
        key=strangers[0].name,
    )


def _is_own(record: Record, root: str | None) -> bool:
    return record.name.removeprefix(f"{root}/") in _OWN

"""MDR113: a record whose length is not that of its tensors."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import Notes, cut_or_sealed, problems_of, seen
from modeldoctor.wording import count, listing

# First release that compares the record with what the tensors need (measured: 2.9.1 does not, 2.10.0 does).
_COMPARES = (2, 10)


@rule(
    Checkpoint,
    code="MDR113",
    slug="short-storage",
    severity=Severity.ERROR,
    since="0.1",
    summary="records are shorter or longer than the tensors in them",
)
def short_storage(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A record has another length than the tensors that lie in it need.

    ## What it finds
    Storages of which the archive holds fewer or more bytes than the pickle says. With fewer bytes the weights are
    undefined, which is an error in any case; with more, torch 2.10 and later refuse the file and earlier ones load it.

    ## Why it matters
    Up to 2.9.1 torch allocates what the pickle asks for, reads what the record has, and leaves the rest as it came from
    the allocator: **uninitialised memory becomes weights**, other ones at every start, without a message. With
    `mmap=True` even 2.13 loads the file and shows the bytes of whatever follows the record. The cause is a tool that
    rewrote records (quantising, stripping, merging) without rewriting the pickle, or damage.

    ## Seen as
    * Nothing up to torch 2.9.1: the model loads and predicts noise, or `nan`
    * `RuntimeError: record size (8 bytes) does not match expected size (16 bytes = 16 elements * 1 bytes/element) for
      dtype Byte` (torch 2.10 and later)

    ## Fix
    Take the file from its source again, or let the tool that made it save with `torch.save`:

    ```python
    torch.save({name: tensor.clone() for name, tensor in state_dict.items()}, "model.pt")
    ```

    ## References
    * `torch/serialization.py`, `_load`, `load_tensor`: `get_storage_from_record`
    """
    short, long = problems_of(checkpoint, "short-record"), problems_of(checkpoint, "long-record")
    if not (short or long) or cut_or_sealed(checkpoint):
        return
    refuses = context.target.torch is not None and context.target.torch.release >= _COMPARES
    compared = "torch 2.10 and later refuse the file: RuntimeError: record size … does not match expected size"
    if short:
        records = count(sum(problem.times for problem in short), "record")
        yield Hit(
            f"{records} of tensors {'is' if records == '1 record' else 'are'} too short: the rest of the weights is "
            "undefined",
            where=place(checkpoint, short[0].member),
            fix="take the file from its source again, or save it again with the tool that made it",
            notes=(
                *seen(short),
                *_tensors(checkpoint),
                ("seen as", compared),
                *(() if refuses else (("seen as", "up to 2.9.1 no error: uninitialised memory is used as weights"),)),
            ),
        )
    else:
        records = count(sum(problem.times for problem in long), "record")
        yield Hit(
            f"{records} of tensors {'is' if records == '1 record' else 'are'} longer than the tensors in "
            f"{'it' if records == '1 record' else 'them'}",
            where=place(checkpoint, long[0].member),
            severity=Severity.ERROR if refuses else Severity.WARNING,
            fix="save it again: torch.save writes records of the right length",
            notes=(*seen(long), ("seen as", compared)),
        )


def _tensors(checkpoint: Checkpoint) -> Notes:
    """The tensors whose bytes are not all there."""
    short = {
        index
        for index, storage in enumerate(checkpoint.storages)
        if storage.stored_bytes is not None and storage.stored_bytes < storage.size_bytes
    }
    paths = [tensor.path for tensor in checkpoint.tensors if tensor.storage in short]
    return (("affected", listing(paths)),) if paths else ()

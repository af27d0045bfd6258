"""MDR127: tensors that are marked as big-endian."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule

# First release that obeys the record (measured: 2.0.1 ignores it, 2.1.2 swaps the bytes).
_OBEYS = (2, 1)


@rule(
    Checkpoint,
    code="MDR127",
    slug="big-endian",
    severity=Severity.WARNING,
    since="0.1",
    summary="the tensors are marked as big-endian",
)
def big_endian(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The archive says that its tensors were written on a big-endian machine, such as IBM Z.

    ## What it finds
    A record `byteorder` with the text `big`. A warning, and an error when the target is a torch that ignores the
    record.

    ## Why it matters
    torch 2.1 and later believe the record and swap the bytes of every element. torch 2.0 and earlier ignore it. So
    exactly one of them is right, and the other one loads without a word and computes with garbage: a weight of 0.5
    becomes 8.8e-44. If the file was not written on a big-endian machine, the record is wrong, because somebody packed
    the archive by hand, and then it is the newer releases that load garbage.

    ## Seen as
    * No error in any release. Predictions at chance level, `nan`, or sums like 72057594037927936
    * `ValueError: Unknown endianness type: middle` for a record with another text (the rule `damaged` reports it)

    ## Fix
    Load it with torch 2.1 or later, look whether the values make sense, and save it again, which writes the order of
    your machine:

    ```python
    state = torch.load("model.pt", map_location="cpu", weights_only=True)
    print({name: float(value.float().abs().mean()) for name, value in state.items()})
    torch.save(state, "model.little.pt")
    ```

    ## References
    * `torch/serialization.py`, `_load`: `byteordername`, `set_default_load_endianness`
    """
    container = checkpoint.container
    if container is None or container.byteorder != "big" or checkpoint.state != "understood":
        return
    ignores = context.target.torch is not None and context.target.torch.release < _OBEYS
    yield Hit(
        "the tensors are marked as big-endian: "
        + ("torch before 2.1 ignores that and reads garbage" if ignores else "torch swaps their bytes from 2.1 on"),
        where=place(checkpoint, f"{container.root}/byteorder" if container.root else "byteorder"),
        severity=Severity.ERROR if ignores else Severity.WARNING,
        fix="load it with torch 2.1 or later, check that the values make sense, and save it again",
    )

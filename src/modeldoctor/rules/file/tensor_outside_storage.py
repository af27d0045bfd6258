"""MDR114: a tensor that claims more elements than its storage has."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of, seen
from modeldoctor.wording import count


@rule(
    Checkpoint,
    code="MDR114",
    slug="tensor-outside-storage",
    severity=Severity.ERROR,
    since="0.1",
    summary="tensors reach beyond the storage that they view",
)
def tensor_outside_storage(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Shape, strides and offset of a tensor reach past the end of its storage.

    ## What it finds
    Tensors for which offset + Σ (size - 1) * stride is not inside the storage that the pickle names for them, and
    negative sizes, strides or offsets.

    ## Why it matters
    `torch.save` cannot write this: a tensor never exceeds its storage. Somebody edited the pickle, or a conversion tool
    computed shapes wrongly. torch tries to enlarge the storage and stops. Crafted files could corrupt memory through
    the restricted unpickler of torch before 2.10 (CVE-2026-24747), so an odd file from a stranger is also a reason to
    look at the release that serves it.

    ## Seen as
    * `RuntimeError: Trying to resize storage that is not resizable` (torch 2.13, both modes)
    * `RuntimeError: setStorage: sizes [9, 4], strides [4, 1], storage offset 0, and itemsize 4 requiring a storage size
      of 144 are out of bounds for storage of size 64` (where the storage may not be resized at all)

    ## Fix
    Get the file from its source, or repair the tool that wrote it: shape and strides belong to the tensor, `clone()`
    gives it a storage of its own.

    ```python
    torch.save({name: tensor.clone() for name, tensor in state_dict.items()}, "model.pt")
    ```

    ## References
    * `torch/_utils.py`, `_rebuild_tensor`; `aten/src/ATen/native/Resize.h`, `checkInBoundsForStorage`
    """
    del context
    problems = problems_of(checkpoint, "tensor-outside-storage")
    if not problems or cut_or_sealed(checkpoint):
        return
    tensors = sum(problem.times for problem in problems)
    yield Hit(
        f"{count(tensors, 'tensor')} {'reaches' if tensors == 1 else 'reach'} beyond "
        f"{'its' if tensors == 1 else 'their'} storage",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix="don't load a file from a stranger that has this; save your own again with `tensor.clone()`",
        notes=(*seen(problems), ("seen as", "RuntimeError: Trying to resize storage that is not resizable")),
    )

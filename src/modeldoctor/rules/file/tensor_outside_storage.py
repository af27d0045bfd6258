"""MDR114: a tensor that claims more elements than its storage has."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Storage, Tensor
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed
from modeldoctor.wording import count, listing, quoted


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
    Tensors for which offset + Σ (size - 1) * stride is not inside the storage that the pickle names for them.

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
    if context.part or cut_or_sealed(checkpoint):
        return
    outside = [tensor for tensor in checkpoint.tensors if _reaches_out(tensor, checkpoint.storages)]
    if not outside:
        return
    first = outside[0]
    storage = checkpoint.storages[first.storage or 0]
    last = first.offset + sum((length - 1) * stride for length, stride in zip(first.shape, first.strides, strict=False))
    needed = count(last + 1, "element")
    pickle = checkpoint.main_pickle
    yield Hit(
        f"{count(len(outside), 'tensor')} {'reaches' if len(outside) == 1 else 'reach'} beyond "
        f"{'its storage' if len(outside) == 1 else 'their storages'}: {listing([tensor.path for tensor in outside])}",
        where=place(checkpoint, pickle and pickle.member),
        fix="don't load a file from a stranger that has this; save your own again with `tensor.clone()`",
        notes=(
            (
                "seen",
                f"{quoted(first.path)} needs {needed}, its storage has {count(storage.numel, 'element')}",
            ),
            ("seen as", "RuntimeError: Trying to resize storage that is not resizable"),
        ),
        key=first.path,
    )


def _reaches_out(tensor: Tensor, storages: tuple[Storage, ...]) -> bool:
    """Whether the last element of the tensor lies behind the last one of its storage.

    Storages of another dtype than the tensor count bytes or other elements, and are left to torch.
    """
    _, dtype, shape, strides, index, last, _, _, _, layout = tensor
    if index is None or layout != "strided":
        return False
    storage = storages[index]
    for length, stride in zip(shape, strides, strict=False):
        if not length:
            return False
        last += (length - 1) * stride
    return last >= storage.numel and storage.dtype == dtype

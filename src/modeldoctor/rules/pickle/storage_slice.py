"""MDR221: tensors that drag a larger storage along."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import is_weights_file
from modeldoctor.wording import count, listing, quoted, share, size

# torch.save writes views of small things all the time; below this the file is not worth a second look.
_WORTH_BYTES = 1_000_000
_WORTH_PART = 10  # a tenth


class _Drag(NamedTuple):
    """A storage of which the tensors show only a part."""

    wasted: int
    size_bytes: int
    paths: list[str]


@rule(
    Checkpoint,
    code="MDR221",
    slug="storage-slice",
    severity=Severity.WARNING,
    since="0.1",
    summary="a small slice keeps the whole storage it was cut from in the file",
)
def storage_slice(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Tensors show only a part of their storages, and `torch.save` wrote the storages whole.

    ## What it finds
    Storages with bytes that no tensor of the file can reach, with the sum of those bytes and the tensors that hold
    them. A warning from 1 MB or a tenth of the file on, else an info. Tied weights, transposed and strided views, and
    the flat buffers of LSTMs and FSDP fill their storages and are not counted.

    ## Why it matters
    `weights[:1000]` is a view: it shares the storage of the full matrix, and saving the view saves the matrix. The file
    has the size of what you cut away, and so has the memory of each process that loads it. What was cut away is still
    in there for everybody to read, which matters when it was somebody's data.

    ## Seen as
    No error. `sum(t.numel() * t.element_size() for t in state.values())` is much smaller than the file.

    ## Fix
    ```python
    state = torch.load("model.pt", map_location="cpu")
    torch.save({name: tensor.clone() for name, tensor in state.items()}, "model.slim.pt")
    ```

    `clone()` unties tied weights as well: clone only the tensors that this finding names if you have some.

    ## References
    * "Saving and loading tensors preserves views": https://pytorch.org/docs/stable/notes/serialization.html
    """
    anatomy = checkpoint.anatomy
    if context.part or not is_weights_file(checkpoint):
        return
    if anatomy.tensor_bytes == anatomy.storage_bytes and len(checkpoint.tensors) == len(checkpoint.storages):
        return  # each fills its own, as in most models: twenty thousand tensors need not be looked at
    drags = _drags(checkpoint)
    wasted = sum(drag.wasted for drag in drags)
    whole = sum(storage.size_bytes for storage in checkpoint.storages)
    if not wasted:
        return
    drags.sort(key=lambda drag: -drag.wasted)
    first = drags[0]
    paths = [path for drag in drags for path in drag.paths]
    yield Hit(
        f"{size(wasted)} of {size(whole)} ({share(wasted, whole)}) belong to no tensor: slices keep the whole storage "
        f"they were cut from",
        severity=Severity.WARNING if wasted >= min(_WORTH_BYTES, whole // _WORTH_PART) else Severity.INFO,
        fix="save copies of the slices: `torch.save({name: tensor.clone() for name, tensor in state.items()}, path)`",
        notes=(
            ("slices", f"{count(len(paths), 'tensor')}: {listing(paths)}"),
            (
                "largest",
                f"{quoted(first.paths[0])} shows {size(first.size_bytes - first.wasted)} of {size(first.size_bytes)}",
            ),
        ),
        key=first.paths[0],
    )


def _drags(checkpoint: Checkpoint) -> list[_Drag]:
    """The storages that are not shown in full. Overlapping views count twice, so that the waste is never overstated."""
    shown: dict[int, int] = {}
    paths: dict[int, list[str]] = {}
    views: set[tuple[int | None, int, tuple[int, ...], tuple[int, ...]]] = set()
    for tensor in checkpoint.tensors:
        if tensor.storage is None:
            continue
        paths.setdefault(tensor.storage, []).append(tensor.path)
        view = (tensor.storage, tensor.offset, tensor.shape, tensor.strides)
        if view not in views:
            views.add(view)
            shown[tensor.storage] = shown.get(tensor.storage, 0) + tensor.numel * _bits(tensor.dtype) // 8
    return [
        _Drag(checkpoint.storages[index].size_bytes - visible, checkpoint.storages[index].size_bytes, paths[index])
        for index, visible in shown.items()
        if visible < checkpoint.storages[index].size_bytes
    ]


@cache
def _bits(dtype: str) -> int:
    """The bits of an element, which stand in the name of the dtype: `float16`, `float8_e4m3fn`, `quint4x2`.

    Sub-byte types are packed, one element or more to a byte; a whole byte is never too little for them.
    """
    digits = re.search(r"\d+", dtype)
    return max(8, int(digits[0])) if digits else 8

"""MDR229: the same weights in two versions."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import new_file
from modeldoctor.wording import listing, literal, size

# Two parts are copies of one model when their tensors and bytes differ by no more than a head or a counter.
_ALIKE_PERCENT = 90


@rule(
    Checkpoint,
    code="MDR229",
    slug="weights-twice",
    severity=Severity.INFO,
    since="0.1",
    summary="the file holds several copies of the weights, such as an EMA",
)
def weights_twice(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file holds the model more than once: as trained and as exponential moving average, or best and last.

    ## What it finds
    Top-level entries with weights of nearly the same number of tensors and bytes, of which serving uses one. Entries
    that share their storages are no copies.

    ## Why it matters
    The file is twice as large as needed. Worse, the copies are not equal: the average is the one that the validation
    score belongs to, and code that takes `checkpoint["model"]` out of habit serves the other. Ultralytics writes
    `model` and `ema`, timm writes `state_dict` and `state_dict_ema`, diffusion trainers write an `ema` beside the
    network.

    ## Seen as
    No error. The service is a point or two worse than the paper, and the image twice as large.

    ## Fix
    Decide for one and ship only that:

    ```python
    checkpoint = torch.load("last.pth.tar", map_location="cpu")
    torch.save(checkpoint["state_dict_ema"], "weights.pt")
    ```

    ## References
    * timm: `timm/models/_helpers.py`, `load_state_dict(use_ema=True)`; Ultralytics: `strip_optimizer`
    """
    if context.part or checkpoint.state != "understood" or checkpoint.anatomy.contents != "training":
        return
    parts = [part for part in checkpoint.anatomy.parts if part.kind in {"weights", "ema"} and part.tensors > 1]
    if len(parts) < 2:
        return
    largest = max(parts, key=lambda part: part.size_bytes)
    copies = [
        part
        for part in parts
        if _is_alike(part.size_bytes, largest.size_bytes) and _is_alike(part.tensors, largest.tensors)
    ]
    # Shared storages are counted once in the whole: copies that are none don't add up.
    if len(copies) < 2 or sum(part.size_bytes for part in copies) > checkpoint.anatomy.storage_bytes:
        return
    chosen = next((part.name for part in copies if part.kind == "ema"), copies[0].name)
    path = literal(checkpoint.path.rpartition("/")[2])
    yield Hit(
        f"the weights are in the file {len(copies)} times, {size(largest.size_bytes)} each: "
        f"{listing([part.name for part in copies])}",
        fix=f"ship one of them: `torch.save(torch.load({path})[{literal(chosen)}], {new_file(checkpoint)})`",
        notes=(("why", "the copies differ; the moving average is usually the one that was validated"),),
    )


def _is_alike(number: int, largest: int) -> bool:
    return 100 * number >= _ALIKE_PERCENT * largest

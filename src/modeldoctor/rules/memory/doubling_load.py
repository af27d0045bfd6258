"""MDR405: a way of loading that needs a multiple of the model's memory."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.memory._loading import loading_peak
from modeldoctor.wording import memory

# Below this nobody's start-up suffers from a second copy.
_WORTH_BYTES = 256 << 20


@rule(
    Memory,
    code="MDR405",
    slug="doubling-load",
    severity=Severity.WARNING,
    since="0.1",
    summary="the way the model is loaded takes a multiple of its size",
)
def doubling_load(found: Memory, context: Context) -> Iterator[Hit]:
    """While the model is loaded, it and copies of it lie in memory side by side.

    ## What it finds
    A load in the code whose peak is at least twice the model: a fresh module beside the dict that is copied into it
    (2 times), the same from a training checkpoint with Adam's state (4 times), a file read into `io.BytesIO` first (3
    times), a dict that stays referenced in a variable (2 times for ever), loads by several threads at once (2 times for
    each). Models below 256 MB pass.

    ## Why it matters
    The peak decides what the container or the GPU must have, and it is needed for seconds only. On a GPU the allocator
    keeps what it once reserved, so the peak of the load stays in `nvidia-smi` for the life of the process.

    ## Seen as
    * `OOMKilled` while starting, although the model would fit
    * `torch.OutOfMemoryError` in `load_state_dict` or `torch.load(…, map_location="cuda")`
    * A process that holds twice what the model has

    ## Fix
    ```python
    with torch.device("meta"):
        model = Net()
    model.load_state_dict(torch.load(path, map_location="cpu", mmap=True), assign=True)
    model.to("cuda")
    ```

    ## References
    * docs/memory.md: measured peaks of the ways of loading
    * pytorch/pytorch issues 7415 and 25892
    """
    del context
    if found.load_assumed or found.weights_bytes < _WORTH_BYTES:
        return
    where, peak, steady = loading_peak(found)
    model = found.weights_bytes * max(1, found.load.at_once)
    if peak < 2 * found.weights_bytes * 95 // 100:
        return
    times = peak / found.weights_bytes
    stays = f", and {memory(steady)} afterwards" if steady > model * 3 // 2 else ""
    yield Hit(
        f"loading takes {times:.1f} times the model on the {where}: {memory(peak)} for "
        f"{memory(found.weights_bytes)}{stays}",
        where=found.serving.load_where,
        fix="load with `mmap=True` into a module on the meta device with `assign=True`"
        + (", and drop the reference to the checkpoint" if found.load.kept else ""),
        notes=(("way", found.load.name),),
        key=found.load.name,
        data={"peak_bytes": peak, "model_bytes": found.weights_bytes},
    )

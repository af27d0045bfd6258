"""MDR512: a load that restores tensors on the device they were saved from."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, in_service

_LOADERS = frozenset({"torch.load", "torch.serialization.load", "torch.jit.load", "torch.jit._serialization.load"})


@rule(
    Source,
    code="MDR512",
    slug="missing-map-location",
    severity=Severity.WARNING,
    since="0.1",
    summary="torch.load is not told on which device the tensors are to be put",
)
def missing_map_location(source: Source, context: Context) -> Iterator[Hit]:
    """`torch.load` is called without `map_location`, so each tensor goes back to the device it was saved from.

    ## What it finds
    `torch.load` and `torch.jit.load` without `map_location` in code that a service runs. Not reported are loads in
    the branch of a test of `torch.cuda.is_available()`, and files that could be read and hold nothing but CPU
    tensors. When the file does hold CUDA tensors and the target has no GPU, the finding is an error.

    ## Why it matters
    A checkpoint that was saved in training usually carries `cuda:0`. On a host without CUDA the load fails. On a host
    with several GPUs, or several workers, every worker first puts its copy on GPU 0, whatever device it is moved to
    afterwards, so GPU 0 runs out of memory while the others are empty.

    ## Seen as
    * `RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you
      are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu')`
    * `torch.OutOfMemoryError` on GPU 0 with several workers

    ## Fix
    Load on the CPU and move the model afterwards:

    ```python
    state = torch.load("model.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(state)
    model.to(device)
    ```

    ## References
    * https://pytorch.org/docs/stable/generated/torch.load.html
    * `torch/serialization.py`, `_cuda_deserialize`
    """
    for load in source.loads:
        if load.map_location != "missing" or not in_service(load) or load.loader not in _LOADERS:
            continue
        storages = load.checkpoint.storages if load.checkpoint is not None else ()
        devices = {storage.device.partition(":")[0] for storage in storages}
        if devices == {"cpu"}:
            continue
        impossible = "cuda" in devices and bool(context.target.cpu_only)
        yield Hit(
            f"{call(load)} has no `map_location`"
            + (": the file holds CUDA tensors and the target has no GPU" if impossible else ""),
            where=at(source, load.where),
            severity=Severity.ERROR if impossible else None,
            confidence=None if devices else Confidence.MEDIUM,
            fix='pass `map_location="cpu"`, and move the model to its device afterwards',
            key=f"{load.function} {load.loader}",
        )

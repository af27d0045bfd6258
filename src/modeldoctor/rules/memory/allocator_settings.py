"""MDR411: settings of CUDA memory that waste it."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import quoted

_ALLOCATOR = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")
# Blocks above this are not split; below 128 MB nearly every activation counts as large and its segment is not reused.
_SMALL_SPLIT_MB = 128


@rule(
    Memory,
    code="MDR411",
    slug="allocator-settings",
    severity=Severity.WARNING,
    since="0.1",
    summary="environment variables make the GPU allocator waste memory or time",
)
def allocator_settings(found: Memory, context: Context) -> Iterator[Hit]:
    """The environment sets the CUDA allocator or driver in a way that leaves memory in pieces or loads all kernels.

    ## What it finds
    `PYTORCH_NO_CUDA_MEMORY_CACHING` (every tensor asks the driver), `max_split_size_mb` below 128 in
    `PYTORCH_CUDA_ALLOC_CONF`, `backend:cudaMallocAsync` together with options that only the native allocator knows, and
    `CUDA_MODULE_LOADING=EAGER`, which loads every kernel of the libraries into each process.

    ## Why it matters
    These are copied from answers to other problems. A small `max_split_size_mb` keeps freed blocks from being used for
    anything else, so that reserved memory grows while allocated memory does not. Eager loading was seen to take 0.67 GB
    per process instead of 0.29 GB.

    ## Seen as
    * `torch.OutOfMemoryError … If reserved but unallocated memory is large try setting
      PYTORCH_ALLOC_CONF=expandable_segments:True to avoid fragmentation`
    * Requests that take many times as long as they used to

    ## Fix
    Remove the setting. Against fragmentation, where it is seen:

    ```text
    PYTORCH_ALLOC_CONF=expandable_segments:True
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/cuda.html, optimizing memory usage with PYTORCH_ALLOC_CONF
    * pytorch/pytorch pull 86509: lazy loading
    """
    del context
    serving = found.serving
    values = dict(serving.environment)
    for name, reason in _bad(values):
        yield Hit(
            f"{quoted(f'{name}={values[name]}')} {reason}",
            where=serving.environment_where,
            fix=f"remove {quoted(name)}, or set `PYTORCH_ALLOC_CONF=expandable_segments:True` against fragmentation",
            key=name,
        )


def _bad(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The variables that waste memory or time, and how."""
    if values.get("PYTORCH_NO_CUDA_MEMORY_CACHING") not in {None, "", "0"}:
        yield "PYTORCH_NO_CUDA_MEMORY_CACHING", "makes every tensor ask the driver for memory"
    if values.get("CUDA_MODULE_LOADING") == "EAGER":
        yield "CUDA_MODULE_LOADING", "loads every kernel into each process, 0.4 GB more than needed"
    for name in _ALLOCATOR:
        options = dict(part.partition(":")[::2] for part in values.get(name, "").replace(" ", "").split(",") if part)
        split = options.get("max_split_size_mb", "")
        if split.isdecimal() and len(split) < 10 and int(split) < _SMALL_SPLIT_MB:
            yield name, f"keeps blocks above {int(split)} MB whole, so that freed memory is not used again"
        elif options.get("backend") == "cudaMallocAsync" and len(options) > 1:
            yield name, "sets options that `cudaMallocAsync` does not know"

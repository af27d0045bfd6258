"""MDR403: each worker loads the model, and together they do not fit."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.memory._needs import alone
from modeldoctor.wording import memory


@rule(
    Memory,
    code="MDR403",
    slug="too-many-workers",
    severity=Severity.ERROR,
    since="0.1",
    summary="one worker fits the GPU, all of them together do not",
    needs=("gpus",),
)
def too_many_workers(found: Memory, context: Context) -> Iterator[Hit]:
    """Every worker process has a copy of the model and a CUDA context of its own, and the GPU has no room for all.

    ## What it finds
    A GPU that holds one process, but not as many as are configured to use it: gunicorn's `workers`, uvicorn's
    `--workers`, `WEB_CONCURRENCY`, TorchServe's workers, replicas of Ray Serve. An error when what is certain is too
    much already, a warning when the likely sum is.

    ## Why it matters
    Processes share no GPU memory, and `--preload` doesn't change that: CUDA can't be used after a fork. Numbers of
    workers that follow from the number of cores (`2 * cores + 1`) are made for requests that wait for a database. The
    first workers start, a later one dies, is started again, and takes memory from those that serve.

    ## Seen as
    * `torch.OutOfMemoryError: CUDA out of memory` in some workers while others run
    * `[ERROR] Worker (pid:42) exited with code 1`, over and over

    ## Fix
    Use as many workers as fit (the message says how many) and let each serve more requests: threads, asynchronous
    handlers, or batches.

    ```python
    workers = 2          # gunicorn.conf.py
    threads = 4
    ```

    ## References
    * https://docs.gunicorn.org/en/stable/design.html, how many workers
    * benoitc/gunicorn issue 2744
    """
    del context
    for need in found.devices:
        if need.processes < 2 or need.budget_bytes is None or alone(need)[0] == "does not fit":
            continue
        certain = need.verdict == "does not fit"
        if not certain and need.total.known <= need.budget_bytes:
            continue
        size = need.total.low if certain else need.total.known
        most = f"; {need.most_processes} would fit" if need.most_processes else ""
        yield Hit(
            f"{need.processes} workers need {'at least' if certain else 'likely'} {memory(size)} of {need.name}, "
            f"which has {memory(need.budget_bytes)}{most}",
            severity=None if certain else Severity.WARNING,
            fix=f"use {need.most_processes or 1} worker{'' if (need.most_processes or 1) == 1 else 's'} and serve more "
            "requests in each (threads, asynchronous handlers, batches)",
            notes=(("one worker", memory(need.per_process.known)),),
            key=need.name,
            data={"workers": need.processes, "most_workers": need.most_processes},
        )

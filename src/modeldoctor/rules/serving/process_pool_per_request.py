"""MDR506: a pool of processes is started and stopped in each request."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR506",
    slug="process-pool-per-request",
    severity=Severity.ERROR,
    since="0.1",
    summary="a request starts and stops a pool of processes",
)
def process_pool_per_request(source: Source, _: Context) -> Iterator[Hit]:
    """Each request starts processes of its own, and stops them again.

    ## What it finds
    `multiprocessing.Pool`, `ProcessPoolExecutor`, `Process` and `joblib.Parallel` in code that runs for each request,
    directly or through helpers.

    ## Why it matters
    Starting four processes takes half a second with fork. With spawn and forkserver (the default from Python 3.14,
    and on macOS and Windows before) each child imports the module again, and with it loads the model again: 10 s
    measured on two cores, and four copies in memory. Nothing is gained when the request then waits for one result.
    Forking a process that has used CUDA or torch's thread pool breaks or hangs the child.

    ## Seen as
    * a response time of 0.5 s to 10 s for an inference of milliseconds
    * `RuntimeError: Cannot re-initialize CUDA in forked subprocess`
    * memory that jumps by several models with each request

    ## Fix
    Torch computes on several cores by itself. Call the model in the handler, or keep one pool for the life of the
    process, made at start with an initializer that loads:

    ```python
    pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=load_model)  # at start
    result = pool.submit(run, data).result(timeout=30)                                     # in the request
    ```

    ## References
    * https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
    * https://pytorch.org/docs/stable/notes/multiprocessing.html
    """
    for seen in source.seen("process_pool"):
        yield Hit(
            f"`{seen.text}` starts processes in every request",
            where=at(source, seen.where),
            fix="call the model in the handler, or make one pool at start, with an initializer that loads the model",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

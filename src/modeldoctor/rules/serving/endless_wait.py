"""MDR508: a request waits for another process without a limit."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR508",
    slug="endless-wait",
    severity=Severity.WARNING,
    since="0.1",
    summary="a request waits for another process without a timeout",
)
def endless_wait(source: Source, _: Context) -> Iterator[Hit]:
    """The handler waits for the result of another process, for as long as it takes.

    ## What it finds
    `.get()` of `apply_async` and `map_async`, and `.result()` of a `ProcessPoolExecutor`, without a timeout, in code
    that runs for each request.

    ## Why it matters
    A child that is killed for memory while it works never answers. `multiprocessing.Pool` starts a new child and
    forgets the task, so `get()` waits for ever: the worker thread is lost, and after as many such requests as there
    are threads the whole service hangs while its health check is still fine. Waiting for one single task also means
    that nothing runs in parallel.

    ## Seen as
    * requests that never end, after a `SIGKILL` in the kernel's log
    * `WORKER TIMEOUT` of gunicorn, with a stack that ends in `threading.py`, `wait`

    ## Fix
    Set a limit and answer when it passes:

    ```python
    try:
        output = result.get(timeout=30)
    except multiprocessing.TimeoutError:
        return HttpResponse("busy", status=503)
    ```

    ## References
    * https://docs.python.org/3/library/multiprocessing.html#multiprocessing.pool.AsyncResult.get
    * https://docs.python.org/3/library/concurrent.futures.html
    """
    for seen in source.seen("endless_wait"):
        yield Hit(
            f"`{seen.text}()` waits without a limit: a child that dies while it works never answers",
            where=at(source, seen.where),
            fix="pass a timeout, and answer 503 when it passes",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

"""MDR507: a request object is sent to another process."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR507",
    slug="request-to-process",
    severity=Severity.ERROR,
    since="0.1",
    summary="a request object is passed to another process, and cannot be pickled",
)
def request_to_process(source: Source, _: Context) -> Iterator[Hit]:
    """The request object itself is an argument of work for another process.

    ## What it finds
    `pool.apply_async(work, (request,))`, `executor.submit(work, request)` and the like, in a request, where the
    executor runs processes.

    ## Why it matters
    Arguments for another process are pickled. A request holds the stream it is read from, a socket, which cannot be:
    the call fails for every real request. The request objects that test clients make hold their body in memory and
    can be pickled, so the tests pass. The worker needs the data and not the request anyway.

    ## Seen as
    * `TypeError: cannot pickle '_io.BufferedReader' object` (Django under gunicorn or runserver)
    * `TypeError: cannot pickle 'generator' object`, or `PicklingError` for Flask's proxy
    * green tests and a 500 for every request in production

    ## Fix
    Read what the work needs in the handler, and send that:

    ```python
    data = request.FILES["image"].read()
    result = pool.apply_async(work, (data,)).get(timeout=30)
    ```

    ## References
    * https://docs.python.org/3/library/multiprocessing.html#programming-guidelines
    * https://docs.djangoproject.com/en/stable/topics/testing/advanced/#the-request-factory
    """
    for seen in source.seen("request_sent"):
        yield Hit(
            f"`{seen.text}` is sent to another process, but a real request cannot be pickled",
            where=at(source, seen.where),
            fix="read the bytes or fields that the work needs in the handler, and pass those",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

"""MDR509: inference on the event loop."""

from collections.abc import Iterator

from modeldoctor.facts.source import Inference, Source, Span
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related
from modeldoctor.wording import quoted

_FIX = "make the handler a plain `def`, which runs in a thread, or `await run_in_threadpool(model, batch)`"
_ELSEWHERE = "hand it to a thread: `await asyncio.to_thread(model, batch)`"


@rule(
    Source,
    code="MDR509",
    slug="blocking-inference",
    severity=Severity.WARNING,
    since="0.1",
    summary="inference runs on the event loop and holds up every other request",
)
def blocking_inference(source: Source, _: Context) -> Iterator[Hit]:
    """A coroutine runs the model itself, so nothing else runs until it is done.

    ## What it finds
    Calls of a model in code that runs on an event loop: in an `async def` handler, or in ordinary functions that it
    calls. Not reported are plain `def` handlers, which FastAPI and Starlette run in threads, and work that is handed
    to `run_in_threadpool`, `asyncio.to_thread` or an executor. An `await` on one's own coroutine changes nothing:
    what counts is that the computation itself is not awaited.

    ## Why it matters
    One event loop serves all connections of a worker. While the model computes, no other request is read, no health
    check is answered, no stream goes on. Measured with three requests of one second: another endpoint waited 2.9 s,
    and 0.01 s after the handler became a plain `def`.

    ## Seen as
    * `/health` that times out under load, and a pod that is restarted for it
    * requests that are served strictly one after the other
    * `Executing <Task …> took 1.204 seconds` with asyncio's debug mode

    ## Fix
    Make the handler a plain function, or hand the computation to a thread:

    ```python
    @app.post("/predict")
    def predict(data: Input): ...                       # FastAPI runs it in a thread

    result = await run_in_threadpool(model, batch)       # in a coroutine that awaits other things too
    ```

    ## References
    * https://fastapi.tiangolo.com/async/#very-technical-details
    * https://docs.python.org/3/library/asyncio-task.html#running-in-threads
    """
    blocked: dict[Span, list[Inference]] = {}
    for run in source.inferences:
        if run.loop is not None:
            blocked.setdefault(run.loop, []).append(run)
    for loop, runs in blocked.items():
        first = runs[0]
        yield Hit(
            f"{quoted(first.model)} computes on the event loop: no other request is served until it is done",
            where=at(source, loop),
            confidence=Confidence.MEDIUM if first.kind == "named" else None,
            fix=_FIX if first.entry.framework == "fastapi" else _ELSEWHERE,
            related=tuple(related(source, run.where, f"{quoted(run.model)} is called here") for run in runs),
            key=first.entry.label,
        )

"""MDR529: a start-up hook that is ignored."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related


@rule(
    Source,
    code="MDR529",
    slug="event-beside-lifespan",
    severity=Severity.ERROR,
    since="0.1",
    summary="a start-up event is never run because the application has a lifespan",
)
def event_beside_lifespan(source: Source, _: Context) -> Iterator[Hit]:
    """The application is made with `lifespan=`, and start-up events of it are registered too.

    ## What it finds
    `@app.on_event("startup")`, `on_event("shutdown")` and `add_event_handler` on an application of FastAPI or
    Starlette that was made with `lifespan=`.

    ## Why it matters
    The default lifespan is what runs the events. A lifespan of one's own replaces it, so the events are kept in a
    list that nobody reads. There is no error and no warning: the service starts, and what the event should have
    loaded is not there.

    ## Seen as
    * `AttributeError: 'State' object has no attribute 'model'` in the first request
    * `'NoneType' object is not callable`, with a start-up function whose `print` never appeared

    ## Fix
    Do all of it in the lifespan:

    ```python
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.model = load_model()
        yield
        app.state.model = None
    ```

    ## References
    * https://fastapi.tiangolo.com/advanced/events/#alternative-events-deprecated
    * `starlette/routing.py`, `Router.__init__`, the choice of `lifespan_context`
    """
    for seen in source.seen("ignored_event"):
        yield Hit(
            f"`{seen.text}` has a lifespan, so this event never runs",
            where=at(source, seen.where),
            fix="move what it does into the lifespan function, before `yield`",
            related=tuple(related(source, span, text) for span, text in seen.others),
            key=seen.text,
        )

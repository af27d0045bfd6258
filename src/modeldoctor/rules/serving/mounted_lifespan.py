"""MDR530: start-up code of a mounted application."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related


@rule(
    Source,
    code="MDR530",
    slug="mounted-lifespan",
    severity=Severity.ERROR,
    since="0.1",
    summary="the start-up code of a mounted application never runs",
)
def mounted_lifespan(source: Source, _: Context) -> Iterator[Hit]:
    """An application with start-up code of its own is mounted under another one.

    ## What it finds
    `app.mount("/path", sub)` where `sub` is a FastAPI or Starlette application with a `lifespan=` or with start-up
    events.

    ## Why it matters
    The server sends the start-up message to the outer application only, and that does not hand it on to what is
    mounted. The model of the mounted application is never loaded. `/health` of the outer one is fine, and each
    prediction is a 500. In tests the inner application is often tested alone, where its start-up code runs.

    ## Seen as
    * `AttributeError: 'State' object has no attribute 'model'`, only behind the mount
    * green tests of the sub-application

    ## Fix
    Use a router, which shares the outer application's life, or call the inner lifespan in the outer one:

    ```python
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with sub.router.lifespan_context(sub):
            yield
    ```

    ## References
    * https://fastapi.tiangolo.com/advanced/sub-applications/
    * https://www.starlette.io/lifespan/
    """
    for seen in source.seen("mounted"):
        yield Hit(
            f"`{seen.text}` has start-up code, which never runs when it is mounted",
            where=at(source, seen.where),
            fix="include a router instead, or enter `sub.router.lifespan_context(sub)` in the outer lifespan",
            related=tuple(related(source, span, text) for span, text in seen.others),
            key=seen.text,
        )

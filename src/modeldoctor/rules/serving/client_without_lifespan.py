"""MDR538: tests in which the application never starts."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, related


@rule(
    Source,
    code="MDR538",
    slug="client-without-lifespan",
    severity=Severity.WARNING,
    since="0.1",
    summary="the test client is made without `with`, so start-up code does not run in the tests",
)
def client_without_lifespan(source: Source, _: Context) -> Iterator[Hit]:
    """The tests use `TestClient(app)` without a `with` block, and the application loads its model at start.

    ## What it finds
    `TestClient(…)` of FastAPI or Starlette in tests, not used as a context manager, in a project whose model is
    loaded by a lifespan or a start-up event.

    ## Why it matters
    Only entering the client sends the start-up message. Without it the lifespan never runs: the model is not there,
    and tests that pass do so because they never reach it, because a fixture put a substitute in its place, or because
    the handler answers without one. A lifespan that fails, with a file that is missing, is not noticed before the
    deployment.

    ## Seen as
    * `AttributeError: 'State' object has no attribute 'model'` in tests
    * tests that pass on a machine without the model file

    ## Fix
    Enter the client, in a fixture for all tests:

    ```python
    @pytest.fixture(scope="session")
    def client():
        with TestClient(app) as client:
            yield client
    ```

    ## References
    * https://fastapi.tiangolo.com/advanced/testing-events/
    * https://www.starlette.io/testclient/
    """
    started = [
        load
        for load in source.loads
        if load.when == "at_startup"
        and load.entry is not None
        and load.entry.framework == "fastapi"
        and load.main_only is None
    ]
    for seen in source.seen("test_client") if started else ():
        yield Hit(
            "`TestClient` without `with` never starts the application: its model is not loaded in these tests",
            where=at(source, seen.where),
            fix="use `with TestClient(app) as client:`",
            related=tuple(related(source, load.where, f"{call(load)} runs at start") for load in started[:3]),
            key=seen.function,
        )

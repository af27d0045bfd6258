"""MDR504: a dependency that reads the model."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, of_file, once_for, related


@rule(
    Source,
    code="MDR504",
    slug="dependency-loads",
    severity=Severity.ERROR,
    since="0.1",
    summary="a dependency loads the model, and dependencies run for every request",
)
def dependency_loads(source: Source, _: Context) -> Iterator[Hit]:
    """`Depends(get_model)` calls the function for every request, and the function loads the model.

    ## What it finds
    Parameters with `Depends(…)`, `Security(…)` or `Annotated[…, Depends(…)]` whose function or class loads weights
    each time it is called, itself or through others, dependencies of dependencies included. A dependency that returns
    a global, something of `app.state` or the result of a cached function is fine and not reported.

    ## Why it matters
    FastAPI calls a dependency once per request and keeps the result for that request only (`use_cache` means several
    dependents within one request). A class as dependency is made anew each time. So the model is read for every
    request, in the thread pool where the dependency is a plain `def`, on the event loop where it is `async`. A file
    that is missing is also noticed by the first client and not at start.

    ## Seen as
    * latency that equals the time of loading, on every request
    * `RuntimeError: Model file not found at …` and a 500 long after the deployment was called healthy

    ## Fix
    Load in the lifespan, and let the dependency only hand out what is there:

    ```python
    def get_model(request: Request) -> Net:
        return request.app.state.model
    ```

    ## References
    * https://fastapi.tiangolo.com/tutorial/dependencies/sub-dependencies/#using-the-same-dependency-multiple-times
    * `fastapi/dependencies/utils.py`, `solve_dependencies`, `dependency_cache`
    """
    for load in source.loads:
        if load.when != "per_request" or load.dependency is None or load.kind not in {"weights", "data"}:
            continue
        name = next((hop.callee for hop in load.chain if hop.callee.startswith("Depends(")), "Depends")
        fix, code = once_for(source, "fastapi")
        errors = tuple(related(source, span, "its errors are met by a request, not at start") for span in load.raised)
        yield Hit(
            f"`{name}` runs {call(load)} for every request{of_file(load)}: it is kept within one request only",
            where=at(source, load.dependency),
            fix=fix,
            notes=code,
            related=(
                *chain(source, load.entry, load.chain),
                related(source, load.where, "the model is loaded here"),
                *errors,
            ),
            key=f"{name} {load.loader}",
        )

"""MDR521: a health check that knows nothing of the model."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, related


@rule(
    Source,
    code="MDR521",
    slug="not-ready",
    severity=Severity.INFO,
    since="0.1",
    summary="the health check says yes before the model is loaded",
)
def not_ready(source: Source, _: Context) -> Iterator[Hit]:
    """The service loads its model with the first request, or in each, and its health check does not ask for it.

    ## What it finds
    Routes such as `/health`, `/ready` or `/ping` whose function looks at nothing that has to do with a model, in a
    service that loads lazily or per request.

    ## Why it matters
    An orchestrator sends traffic to a new process as soon as its readiness check answers 200. If the model is not
    loaded by then, the first requests wait for the load, or meet the error of a missing file: a broken release is
    rolled out to the end, because every new process calls itself ready. A liveness check is different: it should not
    depend on the model, or a slow load restarts the process for ever.

    ## Seen as
    * time-outs and 500s for a minute after each deployment
    * a roll-out that succeeds with a model file that is not there

    ## Fix
    Load at start, and let readiness say whether that has happened:

    ```python
    @app.get("/ready")
    def ready(request: Request):
        if getattr(request.app.state, "model", None) is None:
            raise HTTPException(503, "model not loaded")
        return {"status": "ready"}
    ```

    ## References
    * https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    * https://fastapi.tiangolo.com/advanced/events/
    """
    late = next(
        (load for load in source.loads if load.when in {"lazy", "per_request"} and load.kind == "weights"), None
    )
    if late is None or late.explicit_reload:
        return
    for seen in source.seen("health"):
        if seen.certain:
            yield Hit(
                f"`{seen.text or seen.function}` answers before any model is loaded",
                where=at(source, seen.where),
                fix="load at start, and let the readiness check ask whether the model is there",
                related=(related(source, late.where, f"{call(late)} runs with a request"),),
                key=seen.function,
            )

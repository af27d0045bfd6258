"""MDR501: the model is read again for every request."""

from collections.abc import Iterator

from modeldoctor.facts.source import ModelLoad, Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, of_file, once_for, through


@rule(
    Source,
    code="MDR501",
    slug="load-per-request",
    severity=Severity.ERROR,
    since="0.1",
    summary="the model is loaded again for every request",
)
def load_per_request(source: Source, _: Context) -> Iterator[Hit]:
    """Every request reads the model from disk, or from the network, before it can answer.

    ## What it finds
    Calls that load weights (`torch.load`, `from_pretrained`, `pipeline`, `YOLO`, `joblib.load`, …) in code that a
    framework runs for each request: views, routes, class-based views including their `__init__`, serializers,
    middleware, event handlers, the whole body of a Streamlit script. Helpers, constructors, properties and inherited
    methods are followed; the finding lists the way from the request to the call. What runs once is not reported:
    module and class bodies, guards on something that outlives the request, cached functions, start-up hooks.

    ## Why it matters
    A state_dict of 100 MB costs 0.1 s to read and as much memory again, for each request and each thread: latency
    grows with the file, and a few requests at a time exhaust memory, after which the kernel kills the worker. A
    class-based view of Django or a `MethodView` of Flask is a new object for each request, so `if self.model is None`
    guards nothing there, and `Depends` keeps a result only within one request.

    ## Seen as
    * a first response that takes as long as every other one
    * `torch.OutOfMemoryError: CUDA out of memory` under load, with a small model
    * `[ERROR] Worker (pid:41) was sent SIGKILL! Perhaps out of memory?`

    ## Fix
    Load once per process and use that object in the handler. The finding shows the code for your framework, such as:

    ```python
    @asynccontextmanager
    async def lifespan(app: FastAPI):
        app.state.model = load_model()
        yield
    app = FastAPI(lifespan=lifespan)
    ```

    ## References
    * https://fastapi.tiangolo.com/advanced/events/
    * https://docs.djangoproject.com/en/stable/ref/applications/#django.apps.AppConfig.ready
    * https://flask.palletsprojects.com/en/stable/patterns/appfactories/
    """
    for load in source.loads:
        if load.when != "per_request" or load.kind == "tokenizer" or load.dependency is not None:
            continue
        if load.kind == "architecture":
            continue  # no weights are read; the state_dict that fills it is a load of its own
        framework = load.entry.framework if load.entry is not None else ""
        fix, code = once_for(source, framework)
        yield Hit(
            f"{call(load)} runs for every request{through(load)}{of_file(load)}",
            where=at(source, load.where),
            severity=_severity(load),
            confidence=Confidence.MEDIUM if load.kind == "data" else None,
            fix=fix,
            notes=code,
            related=chain(source, load.entry, load.chain),
            key=f"{load.function} {load.loader}",
            data={"when": load.when, "loader": load.loader},
        )


def _severity(load: ModelLoad) -> Severity | None:
    if load.explicit_reload:
        return Severity.INFO  # the request asks for it
    return Severity.WARNING if load.kind == "data" else None

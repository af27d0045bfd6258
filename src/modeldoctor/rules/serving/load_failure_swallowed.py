"""MDR519: a model that fails to load, and nobody learns of it."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, in_service, related


@rule(
    Source,
    code="MDR519",
    slug="load-failure-swallowed",
    severity=Severity.ERROR,
    since="0.1",
    summary="a failed load is passed over, and the service starts without its model",
)
def load_failure_swallowed(source: Source, _: Context) -> Iterator[Hit]:
    """When the load fails, the code prints or ignores it and goes on.

    ## What it finds
    Loads of weights in a `try` whose `except` clause neither raises, nor ends the process, nor answers with an error,
    nor loads something else; and loads under `if os.path.exists(path):` without an alternative. Only what a service
    runs.

    ## Why it matters
    The process starts and looks healthy. Where the model was built before, it now answers with random weights: every
    answer is a 200, and wrong, and with several workers different each time. Where the name was set to None, each
    request fails or answers 503, and only a line on standard output knows why. Since torch 2.6 this also hides the
    refusal of every file that pickles a whole model.

    ## Seen as
    * `Error loading model: Weights only load failed …` somewhere in the log of the start
    * predictions like those of an untrained network, different in each worker
    * 503 for every request of a service that its orchestrator calls ready

    ## Fix
    Let it fail: a process that cannot serve should not start.

    ```python
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    ```

    If it may start without, log with the traceback and answer the readiness check with 503.

    ## References
    * https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
    * https://docs.python.org/3/howto/logging.html
    """
    for load in source.loads:
        if load.swallowed is None or not in_service(load) or load.kind != "weights":
            continue
        if load.when == "per_request" and load.chain == () and load.handlers:
            continue  # the handler answers for it
        yield Hit(
            f"when {call(load)} fails, the service goes on without its model",
            where=at(source, load.swallowed),
            severity=None if load.when in {"at_import", "at_startup"} else Severity.WARNING,
            fix="let the error end the start, or raise it again after logging",
            related=(related(source, load.where, "the load"),),
            key=f"{load.function} {load.loader}",
        )

"""MDR526: inference errors that become a bare 500."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related
from modeldoctor.wording import quoted

# Servers that log the error and answer for it.
_OWN_ANSWERS = frozenset({"model-server", "app", "streamlit", "celery", "grpc"})


@rule(
    Source,
    code="MDR526",
    slug="unhandled-inference-error",
    severity=Severity.INFO,
    since="0.1",
    summary="an error of the model becomes a bare 500",
)
def unhandled_inference_error(source: Source, _: Context) -> Iterator[Hit]:
    """Nothing catches what the model raises for an input that it cannot take.

    ## What it finds
    Calls of a model in a handler, outside any `try`, in an application without an error handler of its own for
    exceptions. One finding per handler, at the call in it that leads to the model.

    ## Why it matters
    Models fail on inputs: a wrong number of features, a text that is too long, an image with an alpha channel, a
    batch that does not fit into memory. Each framework then answers 500 with a page that says nothing, so the client
    cannot tell its own mistake from an outage and tries again. Monitoring counts bad inputs as failures of the
    service.

    ## Seen as
    * `RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 4x2)` in the log, `Internal Server Error` at
      the client
    * `IndexError: index out of range in self` (a token beyond the embedding)

    ## Fix
    Check the input first. Then catch what the model raises and say whose fault it was:

    ```python
    try:
        output = model(batch)
    except (RuntimeError, IndexError) as error:
        logger.exception("inference failed")
        raise HTTPException(422, "the input does not fit the model") from error
    ```

    ## References
    * https://fastapi.tiangolo.com/tutorial/handling-errors/
    * https://flask.palletsprojects.com/en/stable/errorhandling/
    """
    if source.seen("error_handler"):
        return
    done = set()
    for run in source.inferences:
        place = (run.reached.path, run.reached.line)
        if run.handled or place in done or run.entry.framework in _OWN_ANSWERS:
            continue
        done.add(place)
        others = (
            (related(source, run.where, f"{quoted(run.model)} is called here"),) if run.reached != run.where else ()
        )
        yield Hit(
            f"an error of {quoted(run.model)} becomes a bare 500 in the {run.entry.label}",
            where=at(source, run.reached),
            confidence=Confidence.LOW if run.kind == "named" else Confidence.MEDIUM,
            fix="catch what the model raises, log it, and answer 422 or 503",
            related=others,
            key=f"{run.function} {run.model}",
        )

"""MDR541: a missing model that is answered with 500."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR541",
    slug="missing-model-status",
    severity=Severity.INFO,
    since="0.1",
    summary="a model that is not loaded is answered with 500 instead of 503",
)
def missing_model_status(source: Source, _: Context) -> Iterator[Hit]:
    """The handler notices that there is no model and answers 500.

    ## What it finds
    A branch for a missing model (`if model is None:`, `if not model:`) whose answer carries the status 500.

    ## Why it matters
    500 says that the request met a bug: a client should not try again, and monitoring wakes somebody. 503 says that
    the service cannot answer now: load balancers and clients that retry go elsewhere or come back, which is right
    while a model is being loaded. `Retry-After` tells them when. Orchestrators that probe this very route treat both
    as not ready, so only the people and clients in between notice the difference.

    ## Seen as
    * alerts about failing requests during each roll-out
    * clients that give up although another replica could have answered

    ## Fix
    Answer 503:

    ```python
    if model is None:
        abort(503, description="model not loaded")
    ```

    ## References
    * https://www.rfc-editor.org/rfc/rfc9110#name-503-service-unavailable
    * https://flask.palletsprojects.com/en/stable/api/#flask.abort
    """
    for seen in source.seen("wrong_status"):
        yield Hit(
            f"a missing `{seen.text}` is answered with 500, which tells clients not to try again",
            where=at(source, seen.where),
            fix="answer 503",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

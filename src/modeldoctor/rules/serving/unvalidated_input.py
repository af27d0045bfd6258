"""MDR527: input that nobody checks."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain, related


@rule(
    Source,
    code="MDR527",
    slug="unvalidated-input",
    severity=Severity.WARNING,
    since="0.1",
    summary="input reaches the model without being checked",
)
def unvalidated_input(source: Source, _: Context) -> Iterator[Hit]:
    """A handler uses fields of a request body that it has not checked.

    ## What it finds
    * `data["input"]` of a JSON body without a `try`, an `in` test or a schema (Flask, Django),
    * fields of a pydantic model that are a bare `list`, `dict` or `Any`,
    * `float(…)` and `int(…)` of input in a `try` that catches `ValueError` and not `TypeError`.

    ## Why it matters
    A missing key is a `KeyError`, a list instead of an object a `TypeError`: both a 500 for what is the client's
    mistake. A field of type `list` lets strings, ragged rows, an empty list and a list of a million rows through to
    `torch.tensor(…)` and the model; the last one takes the memory of the whole service. A string that is multiplied
    instead of a tensor even answers 200.

    ## Seen as
    * `KeyError: 'input'`
    * `ValueError: expected sequence of length 3 at dim 1 (got 2)`
    * `TypeError: new(): invalid data type 'str'`
    * a worker killed for memory by one request

    ## Fix
    Say what the model takes, with limits:

    ```python
    class Input(BaseModel):
        rows: conlist(conlist(float, min_length=4, max_length=4), min_length=1, max_length=64)
    ```

    ## References
    * https://docs.pydantic.dev/latest/concepts/types/
    * https://flask.palletsprojects.com/en/stable/api/#flask.Request.get_json
    """
    for seen in source.seen("unchecked_key"):
        yield Hit(
            f"`{seen.text}` is taken from the body unchecked: a body without it is a 500",
            where=at(source, seen.where),
            fix="read it with `.get`, check it, and answer 400; or describe the body with a schema",
            related=(*chain(source, seen.entry, ()), *(related(source, span, text) for span, text in seen.others)),
            key=f"{seen.function} {seen.text}",
        )
    for seen in source.seen("loose_field"):
        yield Hit(
            f"the field `{seen.text}` takes lists or objects of anything, of any size",
            where=at(source, seen.where),
            fix="give the type of the items and their number: `list[float]` with `Field(min_length=…, max_length=…)`",
            related=chain(source, seen.entry, ()),
            key=f"{seen.function} {seen.text}",
        )
    for seen in source.seen("half_caught"):
        yield Hit(
            f"`{seen.text}(…)` of a list or of null raises `TypeError`, which is not caught here as `ValueError` is",
            where=at(source, seen.where),
            severity=Severity.INFO,
            fix="catch `(TypeError, ValueError)` and answer 400",
            related=chain(source, seen.entry, ()),
            key=f"{seen.function} {seen.text}",
        )

"""MDR525: a tensor in an answer."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain

_MESSAGES = {
    "text": "the answer is the text of a tensor, `tensor([[…]])`, which no client can read",
    "json": "a tensor is put into JSON: the request ends with a `TypeError` and a 500",
    "fastapi": "a tensor is returned: FastAPI sends `{}` in its place, with status 200",
    "model-server": "a handler returns a tensor: TorchServe needs a list with one item per request",
}


@rule(
    Source,
    code="MDR525",
    slug="tensor-in-response",
    severity=Severity.ERROR,
    since="0.1",
    summary="a tensor is put into the answer to the client",
)
def tensor_in_response(source: Source, _: Context) -> Iterator[Hit]:
    """What the model returned goes into the answer without being turned into Python values.

    ## What it finds
    Tensors (outputs of a model, and what torch functions make of them) in what a handler returns: in a dictionary
    that FastAPI serialises, in `jsonify`, `JsonResponse`, `json.dumps`, in `str(…)` for `HttpResponse`, as the result
    of a TorchServe handler. `.tolist()` and `.item()` on the way make it right.

    ## Why it matters
    Each framework does something else with it. Flask and Django raise, and the client gets a 500. FastAPI looks at
    the attributes of the object and sends `{}` in its place: a 200 without the prediction. `str(output)` sends the
    text `tensor([[0.1, 0.9]])`, shortened with `...` where the tensor is large, which no client can read.

    ## Seen as
    * `TypeError: Object of type Tensor is not JSON serializable`
    * `{"prediction": {}}`
    * `tensor([[-0.0417,  0.0193]], grad_fn=<AddmmBackward0>)` in a browser

    ## Fix
    Turn it into Python values, on the CPU:

    ```python
    return {"prediction": output.tolist()}        # or output.argmax().item()
    ```

    ## References
    * https://pytorch.org/docs/stable/generated/torch.Tensor.tolist.html
    * https://fastapi.tiangolo.com/tutorial/encoder/
    """
    for seen in source.seen("tensor_answer"):
        yield Hit(
            _MESSAGES.get(seen.text, "a tensor is returned to the client, which cannot be serialised"),
            where=at(source, seen.where),
            severity=Severity.WARNING if seen.text == "text" else None,
            confidence=Confidence.HIGH if seen.certain else Confidence.LOW,
            fix="return `output.tolist()`, or `.item()` for a single value",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

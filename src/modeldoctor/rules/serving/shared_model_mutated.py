"""MDR523: a shared model that a request changes."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR523",
    slug="shared-model-mutated",
    severity=Severity.WARNING,
    since="0.1",
    summary="a request changes the model that all requests share",
)
def shared_model_mutated(source: Source, _: Context) -> Iterator[Hit]:
    """A handler changes the mode, the weights, the type or the device of a model that other requests are using.

    ## What it finds
    `.train()`, `.load_state_dict()`, `.half()`, `.requires_grad_()` and the like on a model that lives longer than
    the request, and moves between devices and back (`.cuda()` … `.cpu()`), in code that runs for each request and
    holds no lock.

    ## Why it matters
    Requests run in threads. While one has the model in training mode, another gets an answer with dropout. While one
    copies new weights, another computes with half old and half new ones. A model that moves to the CPU under a
    running forward pass on the GPU fails it. None of it is repeatable in a test with one request at a time.

    ## Seen as
    * `RuntimeError: Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!`
    * rare wrong answers under load

    ## Fix
    Make a new object and put it in place with one assignment, which is atomic:

    ```python
    fresh = Net()
    fresh.load_state_dict(state)
    app.state.model = fresh.eval()
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/multiprocessing.html
    * https://docs.python.org/3/library/threading.html#lock-objects
    """
    for seen in source.seen("shared_mutation"):
        yield Hit(
            f"`{seen.text}()` changes a model that other requests are using",
            where=at(source, seen.where),
            fix="prepare a new object and assign it, or hold one lock around the change and every inference",
            related=chain(source, seen.entry, ()),
            key=seen.function,
        )

"""MDR516: a refused file is loaded after all."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, in_service, related


@rule(
    Source,
    code="MDR516",
    slug="unsafe-retry",
    severity=Severity.WARNING,
    since="0.1",
    summary="a file that the restricted loader refused is loaded without restriction",
)
def unsafe_retry(source: Source, _: Context) -> Iterator[Hit]:
    """When `weights_only=True` refuses the file, the code loads it with `weights_only=False`.

    ## What it finds
    A load in a `try` whose `except` clause loads again with `weights_only=False`.

    ## Why it matters
    The refusal is the protection. A file that was made to run code is exactly one that the restricted loader refuses,
    so it always reaches the second call: the code is as open as with `weights_only=False` alone, but looks careful.
    It also catches errors that have nothing to do with it (a truncated file, a missing class), and hides them behind
    those of the second load.

    ## Seen as
    * a log line such as `weights_only load failed, falling back`
    * two tracebacks joined by `During handling of the above exception, another exception occurred`

    ## Fix
    Convert the file once, outside the service, and load it with the restricted loader only:

    ```python
    model = torch.load("old.pt", weights_only=False)          # on your own machine, a file you made
    torch.save(model.state_dict(), "weights.pt")
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/serialization.html#weights-only
    * `torch/_weights_only_unpickler.py`
    """
    for load in source.loads:
        if load.retried is None or not in_service(load):
            continue
        yield Hit(
            "a file that is refused with `weights_only=True` is loaded with `weights_only=False`",
            where=at(source, load.retried),
            fix="convert the file once, and drop the second load",
            related=(related(source, load.where, "the load that may refuse it"),),
            key=load.function,
        )

"""MDR524: a model that is tested for truth."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, chain


@rule(
    Source,
    code="MDR524",
    slug="model-truthiness",
    severity=Severity.INFO,
    since="0.1",
    summary="a model is tested for truth instead of for None",
)
def model_truthiness(source: Source, _: Context) -> Iterator[Hit]:
    """`if not model:` asks the model for its length when it has one.

    ## What it finds
    Tests such as `if model:`, `if not model:` and `x if model else y` on models, in code that runs for each request.

    ## Why it matters
    A module has no truth value of its own, so Python asks for `__len__`. `nn.Sequential`, `nn.ModuleList`,
    `nn.ModuleDict` and every class that defines `__len__` (a wrapped vocabulary, an ensemble) are false when they are
    empty, and a tensor or an array with several elements raises. Ordinary modules are true, so the test works until
    the class changes. What is meant is whether there is a model at all.

    ## Seen as
    * a guard that loads again in every call, because the object counts as false
    * `ValueError: The truth value of an array with more than one element is ambiguous`

    ## Fix
    Ask what you mean:

    ```python
    if model is None:
        model = load_model()
    ```

    ## References
    * https://docs.python.org/3/library/stdtypes.html#truth-value-testing
    * `torch/nn/modules/container.py`, `Sequential.__len__`
    """
    for seen in source.seen("truth"):
        yield Hit(
            f"`{seen.text}` is tested for truth, which asks for its length where it has one",
            where=at(source, seen.where),
            confidence=None if seen.certain else Confidence.LOW,
            fix=f"write `if {seen.text} is None:`",
            related=chain(source, seen.entry, ()),
            key=f"{seen.function} {seen.text}",
        )

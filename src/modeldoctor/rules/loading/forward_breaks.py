"""MDR303."""

from collections.abc import Iterator

from modeldoctor.facts.verdict import Verdict
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.loading._common import asked_for


@rule(
    Verdict,
    code="MDR303",
    slug="forward-breaks",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pickled module loads, and its forward pass then fails in the target's torch",
    confidence=Confidence.MEDIUM,
)
def forward_breaks(verdict: Verdict, context: Context) -> Iterator[Hit]:
    """The model loads under the target's torch, and its forward pass then fails.

    ## What it finds
    Whole modules whose pickled attributes lack what the class of the target's torch reads in `forward`. A pickled
    module keeps the attributes of the release that wrote it; its code is that of the release that loads it.

    ## Why it matters
    The load succeeds, the health check is green, and every prediction is a 500.

    ## Seen as
    * `AttributeError: 'GELU' object has no attribute 'approximate'` (written before 1.12)
    * `AttributeError: 'MultiheadAttention' object has no attribute 'batch_first'` (written before 1.9)
    * `AttributeError: 'Upsample' object has no attribute 'recompute_scale_factor'` (written before 1.11)
    * `AttributeError: 'CrossEntropyLoss' object has no attribute 'label_smoothing'`

    ## Fix
    Take the weights out and build the model with today's classes:

    ```python
    old = torch.load("model.pt", weights_only=False)        # only if you trust the file
    model = Net()
    model.load_state_dict(old.state_dict())
    torch.save(model.state_dict(), "weights.pt")
    ```

    ## References
    * the attributes that each class reads, by release: measured forward passes of modules written by torch 1.4 to 2.15
    """
    del context
    loaded = verdict.full or verdict.outcome
    broken = verdict.forward
    if broken is None or loaded is None or not loaded.loads or broken.outcome_class != "forward_fails":
        return
    yield Hit(
        f"the model loads with {asked_for(verdict)} and its forward pass fails: {broken.reason}",
        notes=(("seen as", f"{broken.exception.rpartition('.')[2]}: {broken.message}"),),
        fix=broken.fix or None,
        key=broken.message,
        data={"phase": "infer", "class": broken.outcome_class, "torch": broken.torch},
    )

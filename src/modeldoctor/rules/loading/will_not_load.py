"""MDR301."""

from collections.abc import Iterator

from modeldoctor.facts.verdict import Verdict
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.loading._common import OTHER_RULES, asked_for, at, seen_as
from modeldoctor.wording import quoted


@rule(
    Verdict,
    code="MDR301",
    slug="will-not-load",
    severity=Severity.ERROR,
    since="0.1",
    summary="the torch that is going to load the file cannot, whatever it is told",
)
def will_not_load(verdict: Verdict, context: Context) -> Iterator[Hit | Unjudged]:
    """The torch of the target cannot load the file in any way.

    ## What it finds
    Files that the target's torch fails on even with `weights_only=False`: names that this release does not have
    (`torch._utils._rebuild_tensor_v3` before 2.2, `_LinearWithBias` after 1.7), archives, TorchScript operators and
    export schemas of a newer release, dtypes it does not know, layouts it cannot rebuild. Without a target torch, the
    recent releases (2.0 and later) that fail are named in one warning.

    ## Why it matters
    The service dies when it starts, or at its first request. Nothing in the serving code can help: either the file or
    the release has to change. Torch reads older files well, and newer ones better than its reputation: a difference of
    versions alone is never reported here, only one that breaks the load.

    ## Seen as
    * `AttributeError: Can't get attribute '_rebuild_tensor_v3' on <module 'torch._utils' …>`
    * `ModuleNotFoundError: No module named 'numpy._core'`
    * `RuntimeError: version_ <= kMaxSupportedFileFormatVersion INTERNAL ASSERT FAILED` (torch 1.4 and 1.5)
    * `RuntimeError: Serialized version ['8', '20'] does not match our current schema version (7, 3)` (`.pt2`)
    * `RuntimeError: Unknown builtin op: aten::scaled_dot_product_attention` (TorchScript)

    ## Fix
    Load the file with a torch that knows it, or write it again with the release that has to load it. For weights that
    is two lines where the file still loads:

    ```python
    state = torch.load("model.pt", map_location="cpu")
    safetensors.torch.save_file(state, "model.safetensors")     # a format without names of classes and functions
    ```

    ## References
    * torch/serialization.py, `_load` and `_legacy_load`; torch/_utils.py; torch/_export/serde/serialize.py
    * verdicts are held against 31,000 measured loads with 21 releases from 1.4 to 2.15
    """
    del context
    outcome = verdict.outcome
    if outcome is None:
        yield from _some_releases(verdict)
        return
    if outcome.outcome == "unknown":
        yield Unjudged(outcome.reason)
        return
    failed = outcome if outcome.outcome == "fails" else verdict.full
    if failed is None or outcome.loads or failed.outcome != "fails" or failed.outcome_class in OTHER_RULES:
        return
    if any(each.status != "found" and quoted(each.module) in failed.reason for each in verdict.code):
        return  # MDR305 says where that code is, or is not
    yield Hit(
        f"{asked_for(verdict)} cannot load the file: {failed.reason}",
        where=at(verdict, failed),
        notes=(seen_as(failed),),
        fix=failed.fix or None,
        key=failed.outcome_class,
        data={"phase": "load", "class": failed.outcome_class, "torch": failed.torch},
    )


def _some_releases(verdict: Verdict) -> Iterator[Hit]:
    failing = [
        each
        for each in verdict.breaks
        if each.outcome.outcome == "fails" and each.outcome.outcome_class not in OTHER_RULES
    ]
    if failing:
        first = failing[0].outcome
        yield Hit(
            f"torch {' and '.join(each.span for each in failing)} cannot load the file: {first.reason}",
            where=at(verdict, first),
            notes=(seen_as(first),),
            fix=first.fix or None,
            severity=Severity.WARNING,
            key=first.outcome_class,
            data={"class": first.outcome_class},
        )

"""MDR302."""

from collections.abc import Iterator

from modeldoctor.facts.load import LoadOutcome
from modeldoctor.facts.verdict import Verdict
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.loading._common import asked_for, at, seen_as


@rule(
    Verdict,
    code="MDR302",
    slug="refused-by-default",
    severity=Severity.ERROR,
    since="0.1",
    summary="`torch.load` refuses the file unless it is told to trust it",
)
def refused_by_default(verdict: Verdict, context: Context) -> Iterator[Hit | Unjudged]:
    """`torch.load` refuses the file in the way that it is going to be called.

    ## What it finds
    Files with anything that the restricted loader of the target's torch does not build: classes and functions that are
    not on its list, pickle opcodes it does not read (protocol 4 and 5), instances, state and calls that it refuses.
    Since torch 2.6 it is what `torch.load(f)` uses. When the project passes `weights_only=False`, allows the names, or
    sets `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD`, nothing is reported. Without a target torch it is a warning that names the
    releases.

    ## Why it matters
    The load fails, always, and the message advises `weights_only=False`, which lets a file run any code. For a file of
    your own there are two better ways: allow the few names it needs, or save the weights alone once.

    ## Seen as
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported global: GLOBAL shop.nets.Net was not an allowed
      global by default.`
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported operand 149` (an opcode of protocol 4)
    * `FutureWarning: You are using torch.load with weights_only=False` (torch 2.4 and 2.5 announce it)

    ## Fix
    The finding carries the exact `torch.serialization.safe_globals([...])` where that is enough. Otherwise save the
    weights once where the file is trusted:

    ```python
    model = torch.load("model.pt", weights_only=False)      # only if you trust the file
    torch.save(model.state_dict(), "weights.pt")
    ```

    `weights_only=False` in the service is the last resort, for files that nobody else can write.

    ## References
    * torch/_weights_only_unpickler.py, `Unpickler.load` and `_get_allowed_globals`
    * torch 2.6 release notes: the default of `weights_only` changed
    """
    del context
    if verdict.danger:
        return  # MDR202 says what it does, and nobody should be told how to load it
    refused = _refusing(verdict)
    if refused is None:
        return
    if verdict.loading.unknown:
        yield Unjudged(f"whether it is refused depends on the code: {verdict.loading.unknown}")
        return
    who, outcome = refused
    way = " by default"
    if (forced := verdict.loading.weights_only) is not None:
        way = f" under {forced.why or '`weights_only=True`'} ({forced.source})"
    message = f"{who}{way}"
    yield _hit(verdict, message, outcome, Severity.ERROR if verdict.outcome else Severity.WARNING)


def _refusing(verdict: Verdict) -> tuple[str, LoadOutcome] | None:
    """Who refuses the file, and what the newest of them says."""
    if verdict.outcome is not None:
        return (f"{asked_for(verdict)} refuses the file", verdict.outcome) if _refuses(verdict.outcome) else None
    refusing = [each for each in verdict.breaks if _refuses(each.outcome)]
    if not refusing or _only_numpy(verdict):
        return None
    return f"torch {' and '.join(each.span for each in refusing)} refuse the file", refusing[-1].outcome


def _refuses(outcome: LoadOutcome) -> bool:
    return outcome.outcome == "refused"


def _hit(verdict: Verdict, message: str, outcome: LoadOutcome, severity: Severity) -> Hit:
    notes = [seen_as(outcome)]
    if verdict.cure is not None:
        purpose, code = verdict.cure
        notes += [("cure", f"{purpose}:"), *(("code", row) for row in code.splitlines() if row.strip())]
    return Hit(
        f"{message}: {outcome.reason}",
        where=at(verdict, outcome),
        notes=tuple(notes),
        fix=outcome.fix or None,
        severity=severity,
        key=outcome.outcome_class,
        data={"phase": "load", "class": outcome.outcome_class, "torch": outcome.torch},
    )


def _only_numpy(verdict: Verdict) -> bool:
    """Whether NumPy values among the weights are all there is, which MDR211 says better."""
    pickle = verdict.checkpoint.main_pickle
    modules = {entry.module.partition(".")[0] for entry in pickle.globals} if pickle else set()
    return "numpy" in modules and modules <= {"numpy", "torch", "collections", "_codecs", "builtins"}

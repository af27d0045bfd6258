"""MDR510: the model is used in training mode."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related
from modeldoctor.wording import quoted


@rule(
    Source,
    code="MDR510",
    slug="missing-eval",
    severity=Severity.WARNING,
    since="0.1",
    summary="the model is never put into evaluation mode",
)
def missing_eval(source: Source, _: Context) -> Iterator[Hit]:
    """The service calls a model, and nothing puts it into evaluation mode.

    ## What it finds
    Models that are built from code or loaded whole and called in a request, where no file on the way from the load to
    the call mentions `.eval()`. Not reported are TorchScript programs and models of `torch.hub`, which keep the mode
    they were saved in, and what `from_pretrained` of transformers returns, which is in evaluation mode.

    ## Why it matters
    A module starts in training mode. Dropout then drops a random part of every layer, so equal requests get different
    answers. BatchNorm normalises with the statistics of the one request instead of those of the training, and also
    changes its own statistics with every request: answers depend on what others asked before. All of this is a 200.

    ## Seen as
    * different answers to the same request
    * accuracy far below that of the evaluation, without any error
    * `ValueError: Expected more than 1 value per channel when training, got input size torch.Size([1, 64])`

    ## Fix
    One line where the model is loaded:

    ```python
    model = Net()
    model.load_state_dict(torch.load("model.pt", map_location="cpu", weights_only=True))
    model.eval()
    ```

    ## References
    * https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval
    * https://pytorch.org/docs/stable/notes/autograd.html#evaluation-mode-nn-module-eval
    """
    loads = {load.where._replace(end_line=None, end_column=None): load for load in source.loads}
    done = set()
    for run in source.inferences:
        if run.evaluated or run.kind not in {"module", "loaded"}:
            continue
        load = loads.get(run.load) if run.load is not None else None
        if load is not None and load.loader.startswith(("torch.jit.", "torch.hub.")):
            continue
        kept = run.model.startswith("self.") and run.load is not None
        place = run.load if kept and run.load is not None else run.where
        if (place.path, place.line) in done:
            continue
        done.add((place.path, place.line))
        others = [related(source, run.where, f"{quoted(run.model)} is called here")] if kept else []
        if run.load is not None and not kept:
            others = [related(source, run.load, "it is loaded here")]
        yield Hit(
            f"{quoted(run.model)} is used without `eval()`: dropout and batch normalisation stay in training mode",
            where=at(source, place),
            confidence=Confidence.MEDIUM if run.kind == "loaded" else None,
            fix=f"call `{run.model}.eval()` once, after the weights are loaded",
            related=tuple(others),
            key=f"{run.function} {run.model}",
        )

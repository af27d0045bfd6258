"""A file and its target → the verdict that the loading rules judge."""

from collections.abc import Iterator
from itertools import groupby

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.load import LoadOutcome
from modeldoctor.facts.verdict import Change, Code, Loading, Verdict
from modeldoctor.predict.load import CURABLE, Predictor, matrix_of
from modeldoctor.predict.load.cure import resave, snippet
from modeldoctor.predict.load.explain import fits
from modeldoctor.predict.load.releases import columns, columns_for
from modeldoctor.predict.load.summary import Range, summarise

# More GPUs than any host has: without a known target no device is missing.
_ANY_GPU = 64
# Nobody who does not say so deploys an older release; `inspect` shows those too.
_RECENT = (2, 0)
_USUAL = (("safetensors", "safetensors"), ("torchscript", "jit"), ("torch-export", "export"))


def usual_mode(checkpoint: Checkpoint) -> str:
    """How such a file is loaded when nobody says otherwise."""
    return dict(_USUAL).get(checkpoint.format, "default")


def verdict(
    checkpoint: Checkpoint, target: Target, loading: Loading | None = None, code: tuple[Code, ...] = ()
) -> Verdict | None:
    """The verdict on a file; None for what no torch loader is meant for."""
    mode = usual_mode(checkpoint)
    if not fits(checkpoint, mode):
        return None
    loading = loading or Loading()
    predictor = Predictor(checkpoint)
    python = target.python.text if target.python else None
    numpy = target.numpy.text if target.numpy else None
    gpus = _ANY_GPU if target.cpu_only is None else len(target.gpus or ())
    base = Verdict(checkpoint.path, checkpoint, target, loading, danger=predictor.danger, code=code)
    way = in_force(mode, loading)
    if target.torch is None:
        outcomes = matrix_of(predictor, _recent(), (way,), gpus=_ANY_GPU)
        found = summarise([_with_allowed(predictor, each, loading) for each in outcomes])[way, True]
        breaks = tuple(_changes(found))
        return base._replace(breaks=breaks, newest=found[-1].last, cure=_cure(predictor, found[-1].outcome))
    torch = target.torch.text
    there = not any(each.status in {"missing", "moved", "no such name"} for each in code)

    def predict(mode: str) -> LoadOutcome:
        return predictor.predict(torch, mode, importable=there, python=python, numpy=numpy, gpus=gpus)

    if way == "weights_only" and loading.weights_only and loading.weights_only.why and not _restricts(torch):
        way = mode  # a release that does not know the variable
    if way == "full" and loading.weights_only and loading.weights_only.text == "both" and _restricts(torch):
        return base._replace(outcome=_contradiction(torch, mode, loading.weights_only), newest=torch)
    outcome = predict(way)
    full = predict("full") if mode == "default" else None
    forward = predict("forward") if mode == "default" else None
    if full is not None and outcome.outcome == "refused" and _allows(predictor, torch, loading):
        outcome = full
    return base._replace(outcome=outcome, full=full, forward=forward, newest=torch, cure=_cure(predictor, outcome))


def _contradiction(torch: str, mode: str, said: Value) -> LoadOutcome:
    """Both variables are set: torch.load raises before it opens the file (torch/serialization.py, `load`)."""
    return LoadOutcome(
        torch, mode, True, "fails", "contradicting_variables", "RuntimeError",
        "Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or `TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` should be set, but both "
        "were set.",
        f"`TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD` ({said.source}) and {said.why} exclude each other",
        "set one of them",
    )  # fmt: skip


def _restricts(torch: str) -> bool:
    """Whether a release has the restricted loader, and with it the variables that force it on and off."""
    return any("restricted_loader" in column.does for column in columns_for(torch))


def _with_allowed(predictor: Predictor, outcome: LoadOutcome, loading: Loading) -> LoadOutcome:
    """The outcome of one release when the project allows names."""
    if outcome.outcome != "refused" or not _allows(predictor, outcome.torch, loading):
        return outcome
    return predictor.predict(outcome.torch, "full", gpus=_ANY_GPU)._replace(mode=outcome.mode)


def _changes(found: tuple[Range, ...]) -> Iterator[Change]:
    """The stretches of releases that refuse or fail, whatever their reasons."""
    for outcome, members in groupby(found, key=lambda each: each.outcome.outcome):
        same = list(members)
        if outcome in {"refused", "fails"}:
            yield Change(same[0]._replace(last=same[-1].last).span, same[-1].outcome)


def _recent() -> list[str]:
    return [column.release for column in columns() if column.key >= _RECENT]


def in_force(mode: str, loading: Loading) -> str:
    """The way of loading that the project's code and environment lead to."""
    if mode != "default" or loading.weights_only is None or loading.weights_only.text == "computed":
        return "default_cpu" if mode == "default" and loading.map_location else mode
    return "weights_only" if loading.weights_only.text == "True" else "full"


def _allows(predictor: Predictor, torch: str, loading: Loading) -> bool:
    """Whether the project allows every name that the restricted loader wants."""
    if not loading.allowed:
        return False
    cure = predictor.cure(torch)
    return (
        cure is not None
        and not cure.why_not
        and all(any(_same(name, allowed) for allowed in loading.allowed) for name in cure.names)
    )


def _same(name: str, allowed: str) -> bool:
    """Whether an import in the code means a class that a pickle names by the module it is defined in."""
    package, last = allowed.partition(".")[0], allowed.rpartition(".")[2]
    if last != name.rpartition(".")[2]:
        return False
    return package == name.partition(".")[0] or name.endswith(f".{allowed}") or allowed.endswith(f".{name}")


def _cure(predictor: Predictor, outcome: LoadOutcome) -> tuple[str, str] | None:
    """Code that lets the release take the file, and what it is for."""
    if outcome.outcome != "refused" or predictor.danger:
        return None
    found = predictor.cure(outcome.torch) if outcome.outcome_class in CURABLE else None
    if found and not found.why_not:
        return "if you trust these names, allow them", snippet(found.names, predictor.file.checkpoint.path)
    code = resave(predictor.file.checkpoint)
    return ("if you trust the file, save its weights once, without classes", code) if code else None

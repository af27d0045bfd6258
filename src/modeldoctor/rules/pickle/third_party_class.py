"""MDR206: names of published packages."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.predict.globals import Moved, moved
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import Use, at, bounded, unpickled, uses
from modeldoctor.wording import count, listing, quoted


@rule(
    Checkpoint,
    code="MDR206",
    slug="third-party-class",
    severity=Severity.WARNING,
    since="0.1",
    summary="the pickle needs installed packages besides torch, sometimes old releases of them",
)
def third_party_class(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The pickle names classes or functions of published packages, which must be installed where it is loaded.

    ## What it finds
    Globals of packages that can be installed, with the name under which to install them (`sklearn` comes from
    `scikit-learn`). Modules that newer releases of the package no longer have are named with the release that still has
    them: `sklearn.svm.classes`, `transformers.modeling_bert`, `ultralytics.yolo`, `pandas.core.indexes.numeric`.

    ## Why it matters
    Loading imports these packages. A serving image is usually leaner than the one that trained: a Lightning checkpoint
    fails without Lightning for the sake of one `AttributeDict` in its hyperparameters, an Ultralytics model without
    ultralytics. And a package only has to be able to load what its own release wrote: scikit-learn promises nothing
    between releases.

    ## Seen as
    * `ModuleNotFoundError: No module named 'ultralytics'`
    * `ModuleNotFoundError: No module named 'sklearn.svm.classes'`
    * `ModuleNotFoundError: No module named 'pytorch_lightning'`
    * `AttributeError: Can't get attribute 'Conv' on <module 'ultralytics.nn.modules' from …>`

    ## Fix
    Pin the packages in the requirements of the service to the releases that wrote the file, or save what needs no
    package: a state_dict, and hyperparameters as plain dicts, lists, numbers and texts.

    ```python
    checkpoint = torch.load("last.ckpt", weights_only=False)            # where it still loads
    torch.save(checkpoint["state_dict"], "weights.pt")
    ```

    ## References
    * https://scikit-learn.org/stable/model_persistence.html
    * https://lightning.ai/docs/pytorch/stable/common/checkpointing_basic.html
    """
    every = uses(checkpoint, context) if unpickled(checkpoint) else []
    # What rebuilds code is the matter of pickled-code, which names the package too.
    found = [
        use
        for use in every
        if use.origin.owner == "package" and use.judgement.kind != "code" and not _own(use, checkpoint)
    ]
    if not found:
        return
    packages: dict[str, list[str]] = {}
    for use in found:
        names = packages.setdefault(use.origin.distribution or "", [])
        if use.full not in names:
            names.append(use.full)
    gone = _moved(use.module for use in found)
    wanted = [next((move.requirement for move in gone if _covers(move, name)), name) for name in packages]
    yield Hit(
        f"loading imports {count(len(packages), 'package')} besides torch: {listing(list(packages), 4)}",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        fix=f"install {listing(wanted, 6)} where the model is served, or save a state_dict and plain values",
        notes=(
            *(("needs", f"{quoted(name)} for {listing(names)}") for name, names in list(packages.items())[:8]),
            *(("gone", f"{quoted(move.module)}: {move.why}") for move in gone),
        ),
        key=next(iter(packages)),
        data={"packages": bounded(packages), "requirements": wanted},
    )


def _own(use: Use, checkpoint: Checkpoint) -> bool:
    """Whether it is the package that the file is loaded with anyway: joblib.load of a joblib file."""
    return checkpoint.format == "joblib" and use.origin.distribution == "joblib"


def _moved(modules: Iterator[str]) -> list[Moved]:
    return list(dict.fromkeys(move for module in dict.fromkeys(modules) if (move := moved(module))))


def _covers(move: Moved, distribution: str) -> bool:
    """Whether the requirement is about this distribution: `scikit-learn<0.24` about `scikit-learn`."""
    return move.requirement.startswith((f"{distribution}<", f"{distribution}>"))

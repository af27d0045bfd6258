"""MDR514: a load that leaves `weights_only` to the release."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, in_service, release, torch_load

_SINCE = (1, 13)  # torch/serialization.py, the first `load` with the argument
_SAFE_SINCE = (2, 6)  # torch/serialization.py, the first with the default True


@rule(
    Source,
    code="MDR514",
    slug="weights-only-missing",
    severity=Severity.WARNING,
    since="0.1",
    summary="torch.load is called without weights_only, whose default depends on the release",
)
def weights_only_missing(source: Source, context: Context) -> Iterator[Hit]:
    """`torch.load` is called without saying whether the file may run code.

    ## What it finds
    `torch.load` without `weights_only` in code that a service runs. When the file can be read, the finding says which
    value it needs: True for tensors and plain values, False for one that pickles a whole model. Releases of torch
    that do not know the argument are left alone.

    ## Why it matters
    Up to torch 2.5 the default is False: the file may run any code, with the rights of the service. From 2.6 it is
    True: a file that pickles a whole model, a NumPy scalar or an object of the project is refused. So the same line
    is a security hole before an upgrade and an outage after it. Writing the value down makes both visible.

    ## Seen as
    * `_pickle.UnpicklingError: Weights only load failed. … In PyTorch 2.6, we changed the default value of the
      weights_only argument in torch.load from False to True.`
    * `FutureWarning: You are using torch.load with weights_only=False` (torch 2.4 and 2.5)

    ## Fix
    Say it, and save only what the safe value can load:

    ```python
    state = torch.load("model.pt", map_location="cpu", weights_only=True)
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/serialization.html#weights-only
    * `torch/serialization.py`, `load`, `_default_to_weights_only`
    """
    known = source.version("torch")
    pinned = context.target.torch.release if context.target.torch is not None else release(known[0]) if known else ()
    if pinned and pinned[:2] < _SINCE:
        return
    for load in source.loads:
        if load.weights_only != "missing" or not torch_load(load) or not in_service(load):
            continue
        whole = load.checkpoint is not None and load.checkpoint.anatomy.contents == "module"
        whole = whole or (load.checkpoint is None and "module" in load.uses)
        yield Hit(
            f"{call(load)} does not say `weights_only`: it runs code before torch 2.6, and refuses it since",
            where=at(source, load.where),
            severity=None if "state_dict" not in load.uses or _unsafe(pinned) else Severity.INFO,
            fix="save the `state_dict()` alone, and load it with `weights_only=True`"
            if whole
            else "pass `weights_only=True`",
            key=f"{load.function} {load.loader}",
        )


def _unsafe(pinned: tuple[int, ...]) -> bool:
    """Whether the release is one that runs what is in the file."""
    return bool(pinned) and pinned[:2] < _SAFE_SINCE

"""MDR211: NumPy values among the tensors."""

from collections.abc import Iterable, Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import at, uses
from modeldoctor.wording import listing

_TORCH_FILES = frozenset({"torch-zip", "torch-legacy", "torch-tar"})
# torch/serialization.py, load: weights_only is the default from 2.6 on.
_RESTRICTED_SINCE = (2, 6)


@rule(
    Checkpoint,
    code="MDR211",
    slug="numpy-in-state-dict",
    severity=Severity.WARNING,
    since="0.1",
    summary="NumPy scalars or arrays among the weights, which the restricted loader refuses",
)
def numpy_in_state_dict(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A checkpoint of tensors and plain values also holds NumPy scalars, arrays, dtypes or random states.

    ## What it finds
    Globals of NumPy in a file that is otherwise a state_dict, a training checkpoint or a collection of tensors. Whole
    model objects are left to their own rule.

    ## Why it matters
    `torch.load` of torch 2.6 and later accepts only tensors and plain Python values by default, and no release accepts
    any NumPy object, not even `np.float64`: the usual `best_loss` taken from a NumPy mean makes the whole file
    unreadable without `weights_only=False`. NumPy must also be installed where the file is loaded, in a release that
    has the names the file uses.

    ## Seen as
    * `_pickle.UnpicklingError: Weights only load failed. … Unsupported global: GLOBAL numpy._core.multiarray.scalar was
      not an allowed global by default.`
    * `ModuleNotFoundError: No module named 'numpy._core'`

    ## Fix
    Save plain values:

    ```python
    torch.save({"model": model.state_dict(), "best_loss": float(best_loss), "mean": torch.from_numpy(mean)}, path)
    ```

    To read the file as it is, with the restricted loader:

    ```python
    with torch.serialization.safe_globals([np.dtype, np.dtypes.Float64DType, np._core.multiarray.scalar]):
        checkpoint = torch.load(path)
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/serialization.html#weights-only
    * `torch/_weights_only_unpickler.py`, `_get_allowed_globals`
    """
    if checkpoint.format not in _TORCH_FILES or checkpoint.anatomy.contents in {"module", "hyperparameters"}:
        return
    found = [use for use in uses(checkpoint, context) if use.origin.owner == "numpy"]
    if not found or any("_modules" in each.attributes for pickle in checkpoint.pickles for each in pickle.instances):
        return
    paths = _outermost(path for use in found for path in use.entry.paths if path)
    torch = context.target.torch
    older = torch is not None and bool(torch.release) and torch.release[:2] < _RESTRICTED_SINCE
    yield Hit(
        f"NumPy values among the tensors{f', at {listing(paths)}' if paths else ''}: "
        "`torch.load` refuses the file unless `weights_only=False` is passed (torch 2.6 on)",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        severity=Severity.INFO if older else None,
        fix="save `float(x)` and `torch.from_numpy(x)` instead",
        notes=(("names", listing(list(dict.fromkeys(use.full for use in found)), 4)),),
        key=paths[0] if paths else "",
    )


def _outermost(paths: Iterable[str]) -> list[str]:
    """The paths that are not below another: an array's own parts stand at `mean.0`, the array at `mean`."""
    every = dict.fromkeys(paths)
    return [path for path in every if not any(path.startswith(f"{other}.") for other in every)]

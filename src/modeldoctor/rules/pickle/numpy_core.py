"""MDR210: the module that NumPy 2 renamed."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import at, unpickled, uses
from modeldoctor.wording import listing

# The modules of the forwarding package that NumPy 1.26.4 ships (its wheel; numpy/numpy pull request 24906, in 1.26.1).
_FORWARDED = frozenset(
    {
        f"numpy._core.{name}"
        for name in ("_dtype", "_dtype_ctypes", "_internal", "_multiarray_umath", "multiarray", "umath")
    }
)
_FIRST_FORWARDING = (1, 26, 1)
_FIRST_WITH_CORE = (2,)
# Python 3.8 has no NumPy behind 1.24 (requires_python of the releases).
_FIRST_PYTHON = (3, 9)


@rule(
    Checkpoint,
    code="MDR210",
    slug="numpy-core",
    severity=Severity.INFO,
    since="0.1",
    summary="the pickle was written by NumPy 2 and needs a NumPy that knows `numpy._core`",
)
def numpy_core(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """NumPy objects written by NumPy 2 name `numpy._core`, which older releases do not have.

    ## What it finds
    Globals of `numpy._core`. Measured: NumPy 1.24 fails; 1.26.4 loads arrays and scalars, because 1.26.1 added a
    forwarding package with the modules `multiarray`, `umath` and `_internal`; what is not in it (`numpy._core.numeric`,
    used by pickle protocol 5) needs NumPy 2. With a known target (`--numpy`, `--python`) a load that fails is an error
    and one that works is not reported; without it this is an info.

    ## Why it matters
    The training machine had NumPy 2, the service is held at 1.x by another package or by torch (releases before 2.3
    were built against NumPy 1). One `np.float64` as the best loss is enough to make the whole file unreadable. The
    other direction works: NumPy 2 still reads `numpy.core`.

    ## Seen as
    * `ModuleNotFoundError: No module named 'numpy._core'`
    * `ModuleNotFoundError: No module named 'numpy._core.numeric'` (1.26)

    ## Fix
    Install NumPy 1.26.1 or newer where the file is loaded (2.0 for other modules than those above), or save plain
    values:

    ```python
    checkpoint["best_loss"] = float(best_loss)
    checkpoint["mean"] = torch.from_numpy(mean)
    ```

    ## References
    * https://numpy.org/doc/stable/numpy_2_0_migration_guide.html#note-about-pickled-files
    * https://github.com/numpy/numpy/issues/28340
    * https://github.com/numpy/numpy/pull/24906
    """
    every = uses(checkpoint, context) if unpickled(checkpoint) else []
    found = [use for use in every if use.module == "numpy._core" or use.module.startswith("numpy._core.")]
    if not found:
        return
    other = sorted({use.module for use in found} - _FORWARDED)
    needed = "2.0" if other else "1.26.1"
    severity, what = _verdict(context.target, newer=bool(other))
    if severity is None:
        return
    yield Hit(
        f"written by NumPy 2, it loads with NumPy {needed} or newer{what}",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        severity=severity,
        fix=f"install `numpy>={needed}` where it is loaded, or save plain numbers and tensors",
        notes=(
            ("names", listing(list(dict.fromkeys(use.full for use in found)))),
            ("seen as", f"ModuleNotFoundError: No module named {other[0] if other else 'numpy._core'!r}"),
        ),
        key=needed,
        data={"numpy": f">={needed}"},
    )


def _verdict(target: Target, *, newer: bool) -> tuple[Severity | None, str]:
    """How bad it is for the target, and the words about it; None when it loads there."""
    if target.numpy is not None and target.numpy.release:
        fails = target.numpy.release < (_FIRST_WITH_CORE if newer else _FIRST_FORWARDING)
        return (Severity.ERROR, f", not with {target.numpy.text} ({target.numpy.source})") if fails else (None, "")
    if target.python is not None and target.python.release and target.python.release < _FIRST_PYTHON:
        return Severity.ERROR, f", which does not exist for Python {target.python.text} ({target.python.source})"
    return Severity.INFO, ""

"""MDR208: functions and classes by value, as bytecode or as source."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._uses import Use, at, unpickled, uses
from modeldoctor.wording import listing, quoted


@rule(
    Checkpoint,
    code="MDR208",
    slug="pickled-code",
    severity=Severity.WARNING,
    since="0.1",
    summary="the pickle carries code itself: bytecode of cloudpickle or dill, or Python source",
)
def pickled_code(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Functions or classes are in the file by value, not by name, and are rebuilt when it is loaded.

    ## What it finds
    The functions that rebuild code: those of `cloudpickle` and `dill` (also the copies inside joblib, Ray and PySpark)
    and `types.CodeType`, which take bytecode, and those of `torch.fx` graph modules and of NVIDIA's StyleGAN
    `persistence` module, which execute Python source that the file holds.

    ## Why it matters
    * Bytecode belongs to one minor release of Python: a file written by 3.10 does not load in 3.11, or crashes the
      process there. No message says so beforehand.
    * `cloudpickle` or `dill` must be installed where the file is loaded, in a release that still has the functions the
      file names; they carry over what the function's module held as global variables.
    * Nobody can see what the code does without decompiling it. Calling a model from such a file runs it; source is
      executed by the load itself.

    ## Seen as
    * `ModuleNotFoundError: No module named 'cloudpickle'`
    * `TypeError: code() argument 13 must be str, not int`, `TypeError: code expected at most 16 arguments, got 18`
    * `SystemError: unknown opcode`, `ValueError: bad marshal data (unknown type code)`, or a segmentation fault
    * `AttributeError: Can't get attribute '_make_skel_func' on <module 'cloudpickle.cloudpickle' from …>`

    ## Fix
    Put the functions and classes into an importable module and save the state_dict; export an fx graph module with
    `torch.export` or rebuild it by tracing. Until then load the file with the Python release that wrote it.

    ```python
    torch.save(model.state_dict(), "weights.pt")      # no pickle_module=dill
    ```

    ## References
    * https://github.com/cloudpipe/cloudpickle (`README`: only between equal Python versions)
    * `torch/fx/graph_module.py`, `reduce_graph_module`
    """
    found = [use for use in uses(checkpoint, context) if use.judgement.kind == "code"] if unpickled(checkpoint) else []
    if not found:
        return
    names = list(dict.fromkeys(use.full for use in found))
    source = [use for use in found if "source" in use.judgement.words]
    python = next(
        (f"{mark.low}" for mark in checkpoint.writer if mark.what == "python" and mark.low == mark.high), None
    )
    target = context.target.python
    other = (
        python is not None and target is not None and _minor(python) != target.release[:2] and len(source) < len(found)
    )
    yield Hit(
        "loading executes Python source that the file holds"
        if source
        else "the file holds functions or classes as bytecode, which belongs to one minor release of Python",
        where=at(checkpoint, found[0].pickle, found[0].entry.position),
        severity=Severity.ERROR if other else None,
        fix="put the code into an importable module and save the state_dict",
        notes=(
            ("rebuilt by", listing(names, 4)),
            *((("needs", f"{quoted(_package(found[0]))} installed"),) if _package(found[0]) else ()),
            *(
                (("written by", f"Python {python}; the target is {target.text} ({target.source})"),)
                if other and target
                else ()
            ),
        ),
        key=names[0],
        data={"names": names[:100]},
    )


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _package(use: Use) -> str:
    return use.origin.distribution or "" if use.origin.owner == "package" else ""

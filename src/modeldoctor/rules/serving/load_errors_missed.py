"""MDR520: errors of a load that its `except` does not know."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, in_service, related, torch_load
from modeldoctor.wording import listing


@rule(
    Source,
    code="MDR520",
    slug="load-errors-missed",
    severity=Severity.INFO,
    since="0.1",
    summary="the except clause around a load misses the errors that damaged files raise",
)
def load_errors_missed(source: Source, _: Context) -> Iterator[Hit]:
    """The clause around a load names some errors, and the usual ones of damaged files are not among them.

    ## What it finds
    A load in a `try` with `except` clauses for particular classes, of which none is `Exception`, `RuntimeError` or
    the like, and which do not raise again.

    ## Why it matters
    Files fail in many ways, and each has its own class. A cut download raises `RuntimeError` (the zip reader) or
    `EOFError` (an empty file); an HTML page saved under the name of the model `UnpicklingError` or `KeyError`; a
    class that is not there `AttributeError` or `ModuleNotFoundError`; a checkpoint from CUDA on a host without it
    `RuntimeError`. Code that means to survive a bad file survives only some of them.

    ## Seen as
    * `RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory`
    * `EOFError: Ran out of input`

    ## Fix
    Do not catch at all at start. Where a broken file must not end the process, catch everything, log it and say so:

    ```python
    except Exception:
        logger.exception("cannot load %s", path)
        raise
    ```

    ## References
    * `torch/serialization.py`, `load`; `caffe2/serialize/inline_container.cc`
    * https://docs.python.org/3/library/pickle.html#pickle.UnpicklingError
    """
    for load in source.loads:
        if not in_service(load) or not torch_load(load) or not load.handlers:
            continue
        caught = {name for handler in load.handlers for name in handler.classes}
        if any(handler.broad for handler in load.handlers) or "RuntimeError" in caught:
            continue
        first = load.handlers[0]
        yield Hit(
            f"{listing(sorted(caught), 4)} is caught; damaged files raise `RuntimeError`, `EOFError` or `KeyError`",
            where=at(source, first.where),
            fix="let the error end the start, or catch `Exception`, log it and raise it again",
            related=(related(source, load.where, "the load"),),
            key=load.function,
        )

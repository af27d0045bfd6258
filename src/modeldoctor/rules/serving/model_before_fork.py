"""MDR522: processes that are started after the model was loaded."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related


@rule(
    Source,
    code="MDR522",
    slug="model-before-fork",
    severity=Severity.WARNING,
    since="0.1",
    summary="worker processes are started after the model was loaded",
)
def model_before_fork(source: Source, _: Context) -> Iterator[Hit]:
    """The module loads a model, and then code in it starts processes.

    ## What it finds
    `multiprocessing.Pool`, `ProcessPoolExecutor`, `Process` and `joblib.Parallel` in requests, in a file whose own
    statements have loaded a model.

    ## Why it matters
    With fork, the child inherits a torch that has run. A CUDA context cannot be used after a fork: the child fails at
    its first use of the GPU. The threads that torch started for parallel work on the CPU do not exist in the child,
    but their locks do, so a child may hang in its first inference. With spawn and forkserver each child imports the
    module and loads the model once more.

    ## Seen as
    * `RuntimeError: Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use
      the 'spawn' start method`
    * a child that uses no time and never returns

    ## Fix
    Start processes first, and load in each of them once:

    ```python
    pool = get_context("spawn").Pool(2, initializer=load_model)   # before any use of torch
    ```

    ## References
    * https://pytorch.org/docs/stable/notes/multiprocessing.html#cuda-in-multiprocessing
    * https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
    """
    for seen in source.seen("process_pool"):
        if seen.others:
            yield Hit(
                f"`{seen.text}` starts processes after the module loaded a model: a fork inherits a torch in use",
                where=at(source, seen.where),
                fix="start the processes before the model is loaded, with an initializer that loads it in each",
                related=tuple(related(source, span, f"`{text}` runs before") for span, text in seen.others),
                key=seen.function,
            )

"""MDR503: the model is read again for every task."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, of_file, once_for, through


@rule(
    Source,
    code="MDR503",
    slug="load-per-task",
    severity=Severity.WARNING,
    since="0.1",
    summary="the model is loaded again for every background task",
)
def load_per_task(source: Source, _: Context) -> Iterator[Hit]:
    """Every task of a queue, or every thread that a request starts, reads the model again.

    ## What it finds
    Calls that load a model in Celery, RQ, Dramatiq and Huey tasks, in background tasks of FastAPI, and in threads and
    processes that a request starts, when nothing keeps the result: no guard on the task object or on a global, no
    cached function, no `worker_process_init` hook.

    ## Why it matters
    No client waits for it, so it shows only in throughput and memory: a worker that takes ten tasks a minute reads
    the file ten times a minute, and with `--concurrency=8` eight copies lie in memory at a time. A Celery task class
    is one object per worker process, so an attribute on it is a good place to keep the model.

    ## Seen as
    * a queue that grows although the model answers in milliseconds
    * `Process 'ForkPoolWorker-3' pid:57 exited with 'signal 9 (SIGKILL)'`

    ## Fix
    Load when the worker process starts, or keep the model on the task class:

    ```python
    class Predict(Task):
        model = None

        def __call__(self, *args):
            if self.model is None:
                self.model = load_model()
            return self.run(*args)
    ```

    ## References
    * https://docs.celeryq.dev/en/stable/userguide/tasks.html#instantiation
    * https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-process-init
    """
    for load in source.loads:
        if load.when != "background" or load.once is not None or load.kind not in {"weights", "data"}:
            continue
        framework = load.entry.framework if load.entry is not None else ""
        fix, code = once_for(source, framework)
        yield Hit(
            f"{call(load)} runs for every task{through(load)}{of_file(load)}",
            where=at(source, load.where),
            severity=Severity.INFO if load.kind == "data" or load.explicit_reload else None,
            fix=fix,
            notes=code,
            related=chain(source, load.entry, load.chain),
            key=f"{load.function} {load.loader}",
        )

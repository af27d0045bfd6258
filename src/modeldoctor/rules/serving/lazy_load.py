"""MDR539: a model that the first request loads."""

from collections.abc import Iterator

from modeldoctor.facts.source import ModelLoad, Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, once_for, related


@rule(
    Source,
    code="MDR539",
    slug="lazy-load",
    severity=Severity.INFO,
    since="0.1",
    summary="the model is loaded by the first request, or once per thread or argument",
)
def lazy_load(source: Source, _: Context) -> Iterator[Hit]:
    """The model is loaded when it is first needed, and kept.

    ## What it finds
    Loads of weights behind a guard, in a cached function, property or singleton, that a request reaches and nothing
    runs at start. The finding says what makes it run once, and what "once" means here: per process, per thread
    (`threading.local`) or per argument (a cached function with parameters).

    ## Why it matters
    The first request after each start waits for the load, in each worker, and meets the error if it fails. Without a
    lock, requests that arrive meanwhile all find no model and load as well: eight parallel first requests made eight
    loads. `functools.lru_cache` does not lock while the function runs. One per thread means as many copies as
    threads. One per argument means as many as there are values: when a client chooses them, there is no end to it.

    ## Seen as
    * one slow request after each deployment, per worker
    * memory of several models right after the start, then less

    ## Fix
    Load at start. Where it must be lazy, take a lock and test again:

    ```python
    def get_model():
        global model
        if model is None:
            with lock:
                if model is None:
                    model = load_model()
        return model
    ```

    ## References
    * https://docs.python.org/3/library/functools.html#functools.lru_cache
    * https://docs.python.org/3/library/threading.html#lock-objects
    """
    for load in source.loads:
        if load.when != "lazy" or load.kind != "weights" or load.once is None:
            continue
        framework = load.entry.framework if load.entry is not None else ""
        fix, code = once_for(source, framework)
        yield Hit(
            f"{call(load)} runs with a request, {_how(load)}: {load.once.text}",
            where=at(source, load.where),
            fix=fix,
            notes=code,
            related=(*chain(source, load.entry, load.chain), related(source, load.once.where, load.once.text)),
            key=f"{load.function} {load.loader}",
        )


def _how(load: ModelLoad) -> str:
    """What "once" means."""
    assert load.once is not None
    if load.once.scope == "thread":
        return "once per thread"
    if load.once.scope == "key":
        return "once per argument"
    return "the first" if load.once.locked else "the first, or several first ones at a time, for nothing locks it"

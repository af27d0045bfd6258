"""MDR533: a load when a module is imported."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, related, through


@rule(
    Source,
    code="MDR533",
    slug="load-at-import",
    severity=Severity.INFO,
    since="0.1",
    summary="the model is loaded when a module is imported",
)
def load_at_import(source: Source, _: Context) -> Iterator[Hit]:
    """A statement of the module loads the model, so whoever imports it loads too.

    ## What it finds
    Loads of weights that run when a module of a service is imported: statements of the module, class attributes,
    objects that are made there. The finding stands at the statement of the module that starts it.

    ## Why it matters
    It is right as to the number: once per worker process. But an import is not only made by the server. Tests,
    migrations, management commands, documentation builds and linters that import load the model as well, and fail
    where its file is missing. Errors come as import errors: Django then answers 500 on every URL, `/health` included,
    and tries the import again with each request. With `gunicorn --preload` the load happens before the fork.

    ## Seen as
    * a test run that takes a minute to collect
    * `FileNotFoundError: model.pt` from `manage.py migrate`

    ## Fix
    Nothing, if only the server imports the module. Otherwise load in the lifespan, in the factory or in a cached
    getter:

    ```python
    @functools.lru_cache(maxsize=1)
    def get_model():
        return load_model()
    ```

    ## References
    * https://docs.gunicorn.org/en/stable/settings.html#preload-app
    * https://docs.djangoproject.com/en/stable/ref/applications/#how-applications-are-loaded
    """
    done = set()
    for load in source.loads:
        if load.when != "at_import" or load.kind != "weights":
            continue
        place = load.chain[0].where if load.chain else load.where
        if (place.path, place.line) in done:
            continue
        done.add((place.path, place.line))
        others = (related(source, load.where, "the load"),) if load.chain else ()
        yield Hit(
            f"importing this module runs {call(load)}{through(load)}",
            where=at(source, place),
            fix="nothing, if only the server imports it; else load at start or on first use",
            related=others,
            key=f"{load.function} {load.loader}",
        )

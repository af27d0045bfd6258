"""MDR518: a model that only `python app.py` loads."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, once_for, related


@rule(
    Source,
    code="MDR518",
    slug="model-only-in-main",
    severity=Severity.WARNING,
    since="0.1",
    summary="the model is loaded only when the file is run as a script",
)
def model_only_in_main(source: Source, _: Context) -> Iterator[Hit]:
    """The load stands under `if __name__ == "__main__":`, and the handlers need the model.

    ## What it finds
    Loads that run only from the `__main__` block of a file that defines routes of Flask or FastAPI, or views of
    Django, directly or through a function that the block calls.

    ## Why it matters
    gunicorn, uWSGI and `uvicorn app:app` import the module: the block never runs, the name is never set. The service
    starts, its health check is fine, and each prediction fails. `flask run` imports the module too. It works only
    with `python app.py`, which starts the development server.

    ## Seen as
    * `NameError: name 'model' is not defined` in the first request under gunicorn
    * `AttributeError: 'NoneType' object has no attribute 'eval'`

    ## Fix
    Load where an import does it too, in the factory, in the lifespan or at module level:

    ```python
    model = load_model()

    if __name__ == "__main__":
        app.run()
    ```

    ## References
    * https://flask.palletsprojects.com/en/stable/deploying/
    * https://docs.python.org/3/library/__main__.html
    """
    for load in source.loads:
        if load.main_only is None or load.kind == "architecture":
            continue
        framework = next((name for name in source.frameworks if name in {"flask", "fastapi", "django"}), "")
        fix, code = once_for(source, framework)
        yield Hit(
            f"{call(load)} runs only under `__main__`: a server that imports the file serves without a model",
            where=at(source, load.where),
            fix=fix,
            notes=code,
            related=(*chain(source, load.entry, load.chain), related(source, load.main_only, "this handler needs it")),
            key=f"{load.function} {load.loader}",
        )

"""MDR532: a load that every management command makes."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain


@rule(
    Source,
    code="MDR532",
    slug="ready-in-commands",
    severity=Severity.INFO,
    since="0.1",
    summary="AppConfig.ready loads the model in every management command",
)
def ready_in_commands(source: Source, _: Context) -> Iterator[Hit]:
    """`AppConfig.ready()` loads the model, and every process that sets up Django runs it.

    ## What it finds
    Loads of weights that `AppConfig.ready()` of a Django project reaches.

    ## Why it matters
    `manage.py migrate`, `collectstatic`, `shell`, cron jobs and Celery workers all call `django.setup()`, and with it
    `ready()`. A start such as `migrate && gunicorn` loads the model twice, one after the other; a container without
    the model file cannot even migrate; each command takes seconds and gigabytes longer. As to the number of loads in
    the service it is right, so this is only for information.

    ## Seen as
    * `python manage.py migrate` that takes ten seconds and 2 GB
    * `FileNotFoundError: model.pt` in a job that never predicts

    ## Fix
    Load on first use in a cached getter, and warm it only where it serves:

    ```python
    def ready(self):
        if os.environ.get("SERVE_MODEL") == "1":    # set for gunicorn only
            get_model()
    ```

    ## References
    * https://docs.djangoproject.com/en/stable/ref/applications/#django.apps.AppConfig.ready
    * https://docs.djangoproject.com/en/stable/ref/django-admin/
    """
    for load in source.loads:
        entry = load.entry
        if load.when != "at_startup" or load.kind != "weights" or entry is None or not entry.label.endswith(".ready"):
            continue
        yield Hit(
            f"{call(load)} runs in every management command too, since `{entry.label}()` reaches it",
            where=at(source, load.where),
            fix="load on first use in a cached getter, and warm it in `ready()` only where the process serves",
            related=chain(source, entry, load.chain),
            key=f"{load.function} {load.loader}",
        )

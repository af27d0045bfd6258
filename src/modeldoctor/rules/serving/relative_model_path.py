"""MDR534: a path that depends on the working directory."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, in_service
from modeldoctor.wording import quoted


@rule(
    Source,
    code="MDR534",
    slug="relative-model-path",
    severity=Severity.INFO,
    since="0.1",
    summary="the path of the model depends on the directory in which the server is started",
)
def relative_model_path(source: Source, _: Context) -> Iterator[Hit]:
    """The file is named by a relative path.

    ## What it finds
    Loads from disk whose path is a literal that does not start at the root of the file system, in code that a service
    runs. Paths made from `__file__`, from a base folder of the settings or from the environment are not reported.

    ## Why it matters
    A relative path means the directory in which the process was started: `python app.py` in its folder finds the
    file, `gunicorn web.app:app` from above does not. systemd starts in `/`, cron in the home directory, pytest in the
    root of the repository, and a `WORKDIR` in a Dockerfile changes it once more. When a lazy load meets it, the
    service starts and fails at its first request.

    ## Seen as
    * `FileNotFoundError: [Errno 2] No such file or directory: 'model.pt'`, only in production
    * a service that works from one folder only

    ## Fix
    Start from the file of the code, or from a setting:

    ```python
    MODEL = Path(__file__).resolve().parent / "model.pt"
    model.load_state_dict(torch.load(MODEL, map_location="cpu", weights_only=True))
    ```

    ## References
    * https://docs.python.org/3/library/pathlib.html
    * https://docs.gunicorn.org/en/stable/settings.html#chdir
    """
    for load in source.loads:
        if load.file.form != "relative" or not in_service(load) or load.reads == "network":
            continue
        if load.reads == "either" and "." not in load.file.text.rpartition("/")[2]:
            continue  # the name of a model on a hub
        if load.kind not in {"weights", "data"} or load.loader.startswith("torch.hub.load"):
            continue
        yield Hit(
            f"{quoted(load.file.text)} is found only when the server is started in the right directory",
            where=at(source, load.where),
            fix='start from the code: `Path(__file__).resolve().parent / "…"`',
            key=f"{load.function} {load.file.text}",
        )

"""MDR531: a service that is started with a debugger."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, related


@rule(
    Source,
    code="MDR531",
    slug="debug-mode",
    severity=Severity.WARNING,
    since="0.1",
    summary="the service runs in debug mode, which loads everything twice",
)
def debug_mode(source: Source, _: Context) -> Iterator[Hit]:
    """The application is started with `debug=True`, or uvicorn with `reload=True`.

    ## What it finds
    `app.run(debug=True)` of Flask, Quart and their kin, and `uvicorn.run(…, reload=True)`, in a project that serves a
    model.

    ## Why it matters
    The reloader runs the module in two processes: one watches files, one serves. A model that is loaded at import is
    loaded in both, which doubles the memory and the start. Flask's debugger also lets whoever sees its page run
    Python in the process, guarded only by a PIN. Under `if __name__ == "__main__":` it affects only `python app.py`,
    but that is how many images start their service.

    ## Seen as
    * the line `Model loaded` twice in the log
    * `* Debugger is active!` in the log of a container
    * `torch.OutOfMemoryError` on a GPU that has room for one copy

    ## Fix
    Leave it out, and switch it on from outside when developing:

    ```sh
    flask --app app run --debug      # at home
    gunicorn app:app                 # in the image
    ```

    ## References
    * https://flask.palletsprojects.com/en/stable/debugging/
    * https://werkzeug.palletsprojects.com/en/stable/serving/#reloader
    """
    twice = [load for load in source.loads if load.when in {"at_import", "at_startup"} and load.kind == "weights"]
    for seen in (*source.seen("debug"), *source.seen("reload")):
        effect = (
            "the reloader loads the model in two processes"
            if twice
            else "the reloader runs the module in two processes"
        )
        danger = ", and whoever reaches the debugger runs code" if seen.kind == "debug" else ""
        yield Hit(
            f"`{seen.text}` is started in debug mode: {effect}{danger}",
            where=at(source, seen.where),
            fix="leave it out, and use `flask run --debug` or `uvicorn --reload` when developing",
            related=tuple(related(source, load.where, f"{call(load)} runs twice") for load in twice[:3]),
            key=seen.text,
        )

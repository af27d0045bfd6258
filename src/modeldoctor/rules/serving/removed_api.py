"""MDR528: a call that the framework no longer has."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, release
from modeldoctor.tables import table

_FIXES = {
    "Flask.before_first_request": "load in `create_app()` or at module level; the hook went in Flask 2.3",
    "Starlette.on_event": "use `lifespan=`",
    "Starlette.on_startup": "use `lifespan=`",
    "Starlette.add_event_handler": "use `lifespan=`",
    "FastAPI.lifespan": 'load in `@app.on_event("startup")`, or raise the pin to fastapi 0.93 or later',
}


@rule(
    Source,
    code="MDR528",
    slug="removed-api",
    severity=Severity.ERROR,
    since="0.1",
    summary="the framework's pinned release does not have what the code uses",
)
def removed_api(source: Source, _: Context) -> Iterator[Hit]:
    """The code uses something of its web framework that is gone, or not there yet, in the release that is installed.

    ## What it finds
    Names that releases of Flask, Starlette, FastAPI and pydantic removed, such as `before_first_request`, and
    keywords that older ones swallow, such as `lifespan`, held against the version that the project pins. Without a
    pin, the newest release is taken: that is what an install gets.

    ## Why it matters
    Most of them are decorators and imports, so the module cannot be imported: the service does not start at all. The
    others are worse: FastAPI before 0.93 accepts `lifespan=` among its extra arguments and never calls it, so the
    service starts without a model.

    ## Seen as
    * `AttributeError: 'Flask' object has no attribute 'before_first_request'. Did you mean: '_got_first_request'?`
    * `TypeError: Starlette.__init__() got an unexpected keyword argument 'on_startup'`
    * `ImportError: cannot import name 'escape' from 'flask'`

    ## Fix
    Load in the factory or at module level instead of a hook for the first request:

    ```python
    def create_app():
        app = Flask(__name__)
        app.extensions["model"] = load_model()
        return app
    ```

    ## References
    * https://flask.palletsprojects.com/en/stable/changes/#version-2-3-0
    * https://github.com/encode/starlette/blob/master/docs/release-notes.md
    """
    facts = table("web")
    removed = {entry["name"]: entry for entry in facts["removed"]}
    appeared = {entry["name"]: entry for entry in facts["appeared"]}
    for seen in source.seen("api"):
        entry = removed.get(seen.text) or appeared[seen.text]
        pinned = source.version(entry["package"])
        since = release(entry["since"])
        gone = seen.text in removed
        if pinned is None:
            if not gone:
                continue
        elif (release(pinned[0]) >= since) != gone:
            continue
        told = (
            f"{entry['package']} {pinned[0]} ({pinned[1]})" if pinned else f"{entry['package']} since {entry['since']}"
        )
        yield Hit(
            f"`{seen.text}` does not exist in {told}",
            where=at(source, seen.where),
            confidence=None if pinned else Confidence.MEDIUM,
            fix=_FIXES.get(
                seen.text,
                f"use what replaced it, or pin {entry['package']} {'below' if gone else 'from'} {entry['since']}",
            ),
            notes=(("seen as", entry["error"]),),
            key=seen.text,
        )

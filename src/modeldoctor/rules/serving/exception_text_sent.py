"""MDR540: the text of an exception in an answer."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, related


@rule(
    Source,
    code="MDR540",
    slug="exception-text-sent",
    severity=Severity.WARNING,
    since="0.1",
    summary="the text of an unexpected error is sent to the client",
)
def exception_text_sent(source: Source, _: Context) -> Iterator[Hit]:
    """A clause that catches every error answers with its text.

    ## What it finds
    `except Exception as e:` in a handler that runs a model, whose answer contains `str(e)` or `f"{e}"`. Clauses for
    particular classes, such as `ValueError` of one's own checks, are not reported.

    ## Why it matters
    The text of an unexpected error is written for developers. It names paths on the server, class names, shapes of
    tensors, parts of the input of others, connection strings. At the same time the log of the service often has
    nothing, since the clause does not log: whoever operates it learns of the error from a client. A status of 200 or
    400 on top hides it from monitoring.

    ## Seen as
    * `{"error": "[Errno 2] No such file or directory: '/srv/app/models/v3.pt'"}`
    * no traceback in any log

    ## Fix
    Log with the traceback, answer without details:

    ```python
    except Exception:
        logger.exception("prediction failed")
        raise HTTPException(500, "prediction failed")
    ```

    ## References
    * https://owasp.org/www-community/Improper_Error_Handling
    * https://docs.python.org/3/library/logging.html#logging.Logger.exception
    """
    for seen in source.seen("leak"):
        yield Hit(
            f"the text of any error, `{seen.text}`, is sent to the client",
            where=at(source, seen.where),
            fix="log it with its traceback, and answer with a fixed text",
            related=tuple(related(source, span, text) for span, text in seen.others),
            key=seen.function,
        )

"""MDR107: a server's answer was saved under the name of the model."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import load_error, named_as_model

# What is never anything but an answer; the others count under the name of a model.
_ANSWERS = frozenset({"json-error"})
_TEXTS = frozenset({"html", "xml", "json", "text", "mangled"})


@rule(
    Checkpoint,
    code="MDR107",
    slug="error-page",
    severity=Severity.ERROR,
    since="0.1",
    summary="a web page, an error message or other text stands where the model should be",
)
def error_page(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The download did not give the model but what the server had to say: a page, an XML or JSON error, a line of text.

    ## What it finds
    HTML, XML, JSON or plain text under the name of a model, with the title of the page or the message of the error;
    and binary files that a program copied as text. A JSON error body is reported under any name.

    ## Why it matters
    `curl` without `--fail` exits with 0 on a 404 and saves the error page. Hugging Face and GitHub answer a `blob`
    address with a page about the file, Google Drive answers large files with a warning page, object stores answer a
    wrong key with XML, gated repositories answer a missing token with a line of text. The next step of the build only
    sees that a file is there, and the service fails at start-up with a message about pickles.

    ## Seen as
    * `_pickle.UnpicklingError: invalid load key, '<'.` (a page; `'{'` for JSON, the first letter for text)
    * `_pickle.UnpicklingError: Weights only load failed. … WeightsUnpickler error: Unsupported operand 60` (the same
      under torch 2.6 and later: 60 is `<`, 123 is `{`)
    * `SafetensorError: Error while deserializing header: header too large` (under the name `.safetensors`)

    ## Fix
    Let the download fail instead, follow redirects, and use the address of the file itself:

    ```sh
    curl --fail --location --output model.pt https://huggingface.co/ORG/MODEL/resolve/main/model.pt
    gdown FILE_ID --output model.pt                       # Google Drive
    hf download ORG/MODEL model.safetensors               # with HF_TOKEN set when the repository is gated
    ```

    `wget` and `curl` know nothing of your browser's login. Check `sha256sum` in the same step.

    ## References
    * `curl --fail`: https://curl.se/docs/manpage.html#-f
    """
    del context
    kind = checkpoint.format
    if kind not in _ANSWERS and not (kind in _TEXTS and named_as_model(checkpoint)):
        return
    yield Hit(
        f"the file is no model but {_article(checkpoint.title)}",
        fix=checkpoint.advice or "check the address and the access token, and download it again with `curl --fail`",
        notes=(("seen as", load_error(checkpoint)),),
    )


def _article(title: str) -> str:
    """The title of the format as it stands in a sentence."""
    if title[:4].lower() in {"text", "whit"}:
        return title
    return f"an {title}" if title[0] in "HXU" else f"a {title}"

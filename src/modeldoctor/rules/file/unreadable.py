"""MDR103: the operating system does not hand out the bytes."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import problems_of
from modeldoctor.wording import argument


@rule(
    Checkpoint,
    code="MDR103",
    slug="unreadable",
    severity=Severity.ERROR,
    since="0.1",
    summary="the file exists and its bytes cannot be read",
)
def unreadable(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file is there, and the operating system refuses to read it or stops in the middle.

    ## What it finds
    A missing read permission, a link that points nowhere, a device or pipe instead of a file, or a disk or network
    mount that fails while the file is read. The reason that the operating system gives is in the message.

    ## Why it matters
    The service meets the same wall, usually under another user: a model that root copied into an image with mode 600 is
    readable in the build and unreadable for the `nobody` that gunicorn or TorchServe runs as. Nothing in the file was
    checked, so nothing can be said about it.

    ## Seen as
    * `PermissionError: [Errno 13] Permission denied: 'model.pt'`
    * `FileNotFoundError: [Errno 2] No such file or directory: 'model.pt'` (a dangling link, often a Hugging Face cache
      that was copied without its `blobs` folder)
    * `OSError: [Errno 5] Input/output error` (a failing disk or network mount)

    ## Fix
    Let the user that serves the model read it, and copy links as files:

    ```dockerfile
    COPY --chown=app:app --chmod=0444 model.pt /models/model.pt
    ```

    ```sh
    cp -L snapshot/model.safetensors models/   # follows the links of the Hugging Face cache
    ```

    ## References
    * `errno(3)`; `COPY --chmod` in the Dockerfile reference
    """
    del context
    for problem in problems_of(checkpoint, "unreadable")[:1]:
        yield Hit(
            f"cannot be read: {problem.text}",
            fix=f"check `ls -lL {argument(checkpoint.path)}` and let the serving user read it",
        )

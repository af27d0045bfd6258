"""MDR108: no bytes, or nothing but zero bytes."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.file._problems import meant_as_model
from modeldoctor.wording import size

_SEEN_AS = {
    "empty": "EOFError: Ran out of input (torch.load), "
    "SafetensorError: Error while deserializing header: header too small (safetensors)",
    "zeros": "KeyError: \"filename 'storages' not found\", or from torch 2.6 on RuntimeError: "
    "Cannot use ``weights_only=True`` with files saved in the legacy .tar format",
}


@rule(
    Checkpoint,
    code="MDR108",
    slug="empty-file",
    severity=Severity.ERROR,
    since="0.1",
    summary="the file is empty or holds only zero bytes",
)
def empty_file(checkpoint: Checkpoint, context: Context) -> Iterator[Hit | Unjudged]:
    """There is a file of the right name, and no content was ever written to it.

    ## What it finds
    A file of 0 bytes, or one in which every place that is looked at is zero. Under the name of a model, or when you
    name it; other empty files met while walking are listed as not checked.

    ## Why it matters
    An empty file is what a failed redirection (`aws s3 cp … - > model.pt`), a full disk or a `touch` in a script leaves
    behind. A file of zeros is what a download manager reserved before a transfer that never came, what a crash leaves
    when the data had not reached the disk, or what a sparse copy lost. The file of zeros gives the strangest message
    of all: an empty tar archive consists of zeros, so torch takes it for its format of 2017.

    ## Seen as
    * `EOFError: Ran out of input` (0 bytes; from torch 2.6 on an `EOFError` without text)
    * `SafetensorError: Error while deserializing header: header too small` (0 bytes)
    * `KeyError: "filename 'storages' not found"` (zeros, torch up to 2.5)
    * ``RuntimeError: Cannot use ``weights_only=True`` with files saved in the legacy .tar format`` (zeros, torch 2.6
      and later)

    ## Fix
    Fetch or save the model again, and make the step that writes it fail loudly:

    ```sh
    set -euo pipefail
    curl --fail --location --output model.pt URL && test -s model.pt
    ```

    ## References
    * `torch/serialization.py`, `_legacy_load`, which tries tar before pickle
    """
    if checkpoint.format not in _SEEN_AS:
        return
    if not meant_as_model(checkpoint, context):
        yield Unjudged(f"not checked: {checkpoint.title}")
        return
    zeros = checkpoint.format == "zeros"
    yield Hit(
        f"the file consists of {size(checkpoint.size_bytes)} that are all zero" if zeros else "the file is empty",
        fix=checkpoint.advice or "save or download the model again",
        notes=(("seen as", _SEEN_AS[checkpoint.format]),),
    )

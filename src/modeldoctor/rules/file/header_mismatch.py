"""MDR111: a member that describes itself otherwise than the directory does."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of, seen
from modeldoctor.wording import count


@rule(
    Checkpoint,
    code="MDR111",
    slug="header-mismatch",
    severity=Severity.ERROR,
    since="0.1",
    summary="members of the archive describe themselves otherwise than its directory does",
)
def header_mismatch(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A zip says everything twice, and here the two do not agree.

    ## What it finds
    Each member of a zip has a header of its own before its bytes and an entry in the directory at the end. Reported are
    members whose name, size, checksum, compression or encryption flag differ between the two, and entries that point to
    a place where no member begins.

    ## Why it matters
    torch reads by the directory and never compares. Python's `zipfile`, and every scanner built on it, stops with an
    error at such a member, and some then report a clean file: this is a known way to hide a pickle from them. The
    innocent cause is a tool that patched a file in place, for example to change a path inside a member.

    ## Seen as
    * Nothing from torch: the file loads.
    * `zipfile.BadZipFile: File name in directory 'archive/data.pkl' and header b'archive/data.pkx' differ.`
    * `zipfile.BadZipFile: Bad magic number for file header` (the entry points elsewhere)

    ## Fix
    Don't load a file from a stranger that looks like this. If it is your own, load and save it once more, which writes
    both places anew:

    ```python
    torch.save(torch.load("model.pt", map_location="cpu", weights_only=True), "model.clean.pt")
    ```

    ## References
    * APPNOTE.TXT 6.3.10, sections 4.3.7 (local header) and 4.3.12 (central directory)
    * picklescan's advisories of 2025 on names that differ between the two; its reader now skips the comparison
    """
    del context
    problems = problems_of(checkpoint, "header-mismatch")
    if not problems or cut_or_sealed(checkpoint):
        return
    members = sum(problem.times for problem in problems)
    yield Hit(
        f"the headers of {count(members, 'member')} disagree with the directory of the archive",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix="don't load it unless you know who wrote it; then load it with weights_only=True and save it again",
        notes=seen(problems),
    )

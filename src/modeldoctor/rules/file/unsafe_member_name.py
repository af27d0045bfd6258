"""MDR119: member names that leave the folder they are unpacked in."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import problems_of, seen
from modeldoctor.wording import count


@rule(
    Checkpoint,
    code="MDR119",
    slug="unsafe-member-name",
    severity=Severity.WARNING,
    since="0.1",
    summary="member names lead out of the archive or cannot be decoded",
)
def unsafe_member_name(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A member of the archive is named so that unpacking it writes elsewhere, or so that tools disagree about its name.

    ## What it finds
    Names with `..`, absolute names, drive letters, backslashes, zero bytes, and names that are no UTF-8.

    ## Why it matters
    torch itself never unpacks to disk, so it is not the victim: with `archive/../../etc/x` among its records 2.13.0
    loads without a word. Whatever handles the file around it may be: deployment scripts that call `tar xf`, model
    registries, handlers that use `extractall` on a tar. A zero byte or a name in another encoding makes two tools see
    two different names, which helps to hide a member. `torch.save` writes none of these.

    ## Seen as
    * Nothing from torch, except for an absolute name: `RuntimeError: [enforce fail at inline_container.cc:340] . file
      in archive is not in a subdirectory archive/: /etc/x`
    * `tarfile.OutsideDestinationError` (Python 3.12 and later, with the `data` filter)

    ## Fix
    Don't unpack the file, and don't accept it from a stranger. In Python, unpack with the filter that refuses such
    names:

    ```python
    tarfile.open("model.tar").extractall("models", filter="data")
    ```

    ## References
    * CWE-22, path traversal; PEP 706, filters for `tarfile.extractall`
    """
    del context
    problems = problems_of(checkpoint, "unsafe-name")
    if not problems:
        return
    names = sum(problem.times for problem in problems)
    yield Hit(
        f"{count(names, 'member name')} {'leads' if names == 1 else 'lead'} out of the archive or cannot be decoded",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix="don't unpack it; unpack tar archives with `extractall(..., filter='data')`",
        notes=seen(problems),
        key=problems[0].member or "",
    )

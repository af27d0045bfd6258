"""MDR115: members that are encrypted, or marked as such."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import problems_of, seen
from modeldoctor.wording import count


@rule(
    Checkpoint,
    code="MDR115",
    slug="encrypted-member",
    severity=Severity.ERROR,
    since="0.1",
    summary="members of the archive are encrypted or marked as encrypted",
)
def encrypted_member(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The archive is encrypted, in whole or in part, and torch has no password to open it with.

    ## What it finds
    Members with the encryption flags of zip (bits 0 and 6 of the general purpose flag) or the one for patched data
    (bit 5), and zip archives in which every member is encrypted.

    ## Why it matters
    torch refuses the file as soon as it looks at such a member, and nothing in it was checked here. The flag can also
    be a trick: it makes `zipfile` and the scanners built on it give up. With the flag only in the header of the member
    and not in the directory, torch loads the file all the same, measured with 2.13.0, while Python refuses it.

    ## Seen as
    * `RuntimeError: PytorchStreamReader failed retrieving file meta-data for .data/serialization_id: unsupported
      encryption` (flag in the directory)
    * `RuntimeError: File 'archive/data.pkl' is encrypted, password required for extraction` (Python's `zipfile`)

    ## Fix
    Decrypt the file before it is deployed, and check the result; keep secrets out of the archive format:

    ```sh
    7z x model.zip        # asks for the password
    modeldoctor check model.pt
    ```

    To protect a model at rest, encrypt the disk or the bucket, or the whole file, and decrypt it in memory:
    `torch.load(io.BytesIO(decrypt(data)))`.

    ## References
    * APPNOTE.TXT 6.3.10, section 4.4.4; `mz_zip_reader_file_stat` in miniz
    * picklescan's advisories of 2025 on the flag bits 0x1, 0x20 and 0x40
    """
    del context
    problems = problems_of(checkpoint, "encrypted-member")
    if not problems and checkpoint.format != "encrypted-zip":
        return
    # Told by the directory, and by whoever wanted to read the member.
    members = sum({problem.member: problem.times for problem in problems}.values())
    what = f"{count(members, 'member')} of the archive {'is' if members == 1 else 'are'} encrypted"
    yield Hit(
        f"{what if members else 'the archive is encrypted'}, so they were not checked and torch refuses the file",
        where=place(checkpoint, problems[0].member, problems[0].byte) if problems else None,
        fix="decrypt the file before it is deployed and check the result",
        notes=(*seen(problems), ("seen as", "RuntimeError: PytorchStreamReader failed …: unsupported encryption")),
    )

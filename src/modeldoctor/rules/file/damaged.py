"""MDR105: bytes of the container or of the pickle are wrong."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of, seen
from modeldoctor.wording import quoted

# Kind → (what is wrong, what torch says); in the order in which a loader would meet them.
_KINDS = {
    "damaged": (
        "the file is damaged",
        "RuntimeError: PytorchStreamReader failed reading zip archive: invalid header or archive is corrupted",
    ),
    "no-root": (
        "the records are not in a folder of their own",
        "RuntimeError: [enforce fail at inline_container.cc] . file in archive is not in a subdirectory: data.pkl",
    ),
    "several-roots": (
        "the records lie in several folders",
        "RuntimeError: [enforce fail at inline_container.cc] . file in archive is not in a subdirectory a/: b/data/1",
    ),
    "bad-version": (
        "the `version` record is missing or wrong",
        'RuntimeError: Expected hasRecord("version") to be true, or Couldn\'t parse the version abc as Long Long',
    ),
    "no-data-pkl": (
        "the archive has no `data.pkl`",
        "RuntimeError: PytorchStreamReader failed locating file data.pkl: file not found",
    ),
    "bad-byteorder": (
        "the `byteorder` record says neither `little` nor `big`",
        "ValueError: Unknown endianness type: middle (torch 2.1 and later; older releases ignore the record)",
    ),
    "pickle-damaged": (
        "the pickle is damaged",
        "_pickle.UnpicklingError, UnicodeDecodeError or EOFError, by the damaged byte",
    ),
    "bad-crc": (
        "bytes do not match their checksum",
        "nothing: torch does not compare checksums and loads what is there",
    ),
}


# Problems that never make a file unreadable: where nothing else was seen, the damage itself has no name of its own.
_BESIDE = frozenset({"appended-data", "prepended-data", "second-pickle", "unsafe-name"})


@rule(
    Checkpoint,
    code="MDR105",
    slug="damaged",
    severity=Severity.ERROR,
    since="0.1",
    summary="bytes of the archive or of the pickle are wrong",
)
def damaged(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    r"""The file has its full length, and what stands in it cannot be right.

    ## What it finds
    A record whose bytes do not have the checksum that the archive states (of those that are read: the pickle and the
    small records, never the tensors); a pickle with an impossible opcode or value; a `version` or `byteorder` record
    that is missing or no such thing; an archive without `data.pkl`, without a folder around its records or with more
    than one. One finding for the file, with all that was seen as notes.

    ## Why it matters
    torch does not look at checksums: a flipped byte in a weight loads without a word and changes the predictions. In
    the pickle it gives an error that does not mention damage, for example a `UnicodeDecodeError`. A frequent cause is a
    transfer in text mode (FTP, or git with `autocrlf` and no `-text` attribute) that turned every `\n` into `\r\n`. A
    re-packed archive (unzip, zip again) often loses the one folder that torch wants around all records.

    ## Seen as
    * `UnicodeDecodeError: 'utf-8' codec can't decode byte 0x91 in position 2: invalid start byte` (one flipped byte in
      `data.pkl`)
    * `RuntimeError: PytorchStreamReader failed reading zip archive: invalid header or archive is corrupted` (CRLF)
    * `RuntimeError: [enforce fail at inline_container.cc:340] . file in archive is not in a subdirectory y/: x/data/1`
    * `RuntimeError: Expected hasRecord("version") to be true, but got false.`
    * `[enforce fail at inline_container.cc:215] . Couldn't parse the version abc as Long Long.`
    * `ValueError: Unknown endianness type: middle` (torch 2.1 and later)

    ## Fix
    Take the file from its source again, in binary. For git:

    ```
    # .gitattributes
    *.pt   binary
    *.pth  binary
    ```

    When you pack records yourself, use `torch.save`, or keep one top folder: `zip -0 -r model.pt archive/`.

    ## References
    * `caffe2/serialize/inline_container.cc`, `PyTorchStreamReader::init`
    * `torch/serialization.py`, `_load`: the `byteorder` record
    """
    del context
    problems = problems_of(checkpoint, *_KINDS)
    unexplained = checkpoint.state == "unreadable" and all(each.kind in _BESIDE for each in checkpoint.problems)
    if cut_or_sealed(checkpoint) or not (problems or unexplained):
        return
    first = problems[0] if problems else None
    what, error = _KINDS[first.kind if first else "damaged"]
    yield Hit(
        f"{what} in {quoted(first.member)}" if first and first.member else what,
        where=place(checkpoint, first and first.member, first and first.byte),
        fix="take the file from its source again, in binary, and compare its SHA-256",
        notes=(*seen(problems), ("seen as", error)),
        key=first.kind if first else "",
    )

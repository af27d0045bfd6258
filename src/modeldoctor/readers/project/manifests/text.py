"""Bytes of a manifest → text, whatever wrote them."""

import re

from modeldoctor.facts.pins import Flaw

# What people and most tools write; a larger file is not a manifest.
MAX_BYTES = 4 << 20
# Lock files are long: the largest seen in public projects have some 5 MB.
MAX_LOCK_BYTES = 32 << 20
# The longest line that is looked at: requirement lines with forty hashes have some 4,000 characters.
MAX_LINE = 20_000
# Entries of one manifest; what is beyond is not read.
MAX_ENTRIES = 20_000

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\x00\x00", "utf-32"), (b"\x00\x00\xfe\xff", "utf-32"),
         (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
# PEP 263, which pip obeys in requirement files (pip/_internal/utils/encoding.py, auto_decode).
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")


def load(path: str, shown: str, limit: int = MAX_BYTES) -> tuple[str, tuple[Flaw, ...]]:
    """The text of a file, at most `limit` bytes of it, and what is odd about it. Raises OSError."""
    with open(path, "rb") as stream:
        data = stream.read(limit + 1)
    if len(data) <= limit:
        return decode(data, shown)
    text, flaws = decode(data[:limit], shown)
    message = f"the file is larger than {limit >> 20} MiB; only the first {limit >> 20} MiB were read"
    return text.rpartition("\n")[0], (*flaws, Flaw("limit", message, shown))


def decode(data: bytes, shown: str) -> tuple[str, tuple[Flaw, ...]]:
    """Text from bytes: by byte order mark, by the coding comment, as UTF-8, else as Latin-1 with a flaw."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, "replace").lstrip("\ufeff"), ()
    for encoding in (_declared(data), "utf-8"):
        try:
            return data.decode(encoding), ()
        except (UnicodeDecodeError, LookupError):
            continue
    line = data.count(b"\n", 0, _first_bad(data)) + 1
    return data.decode("latin-1"), (Flaw("encoding", "is not UTF-8; read as Latin-1", shown, line),)


def _declared(data: bytes) -> str:
    for line in data.split(b"\n", 2)[:2]:
        if line.startswith(b"#") and (found := _CODING.search(line)):
            return found[1].decode("ascii")
    return "utf-8"


def _first_bad(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return 0


def is_binary(text: str) -> bool:
    """Whether this is no text at all: a NUL never stands in a manifest."""
    return "\0" in text[:4096]

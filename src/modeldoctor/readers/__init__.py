"""bytes → facts. Readers never judge; what is wrong with the bytes is a `Problem` in the facts."""

from collections.abc import Iterator

from modeldoctor.findings import Subject
from modeldoctor.readers.checkpoint import read_checkpoint


def read(path: str, shown: str, *, sha256: bool = False) -> Iterator[Subject]:
    """The facts of one file or model folder. `shown` is the path that reports print. Never raises for bad content."""
    checkpoint = read_checkpoint(path, shown, sha256=sha256)
    yield Subject(shown, checkpoint.format, checkpoint.state, checkpoint)

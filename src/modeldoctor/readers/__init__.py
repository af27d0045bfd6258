"""bytes → facts. Readers never judge; what is wrong with the bytes is a `Problem` in the facts."""

from collections.abc import Iterator

from modeldoctor.detect import is_archive
from modeldoctor.findings import Subject
from modeldoctor.readers.checkpoint import read_checkpoint


def read(path: str, shown: str, *, sha256: bool = False, ts_config: str | None = None) -> Iterator[Subject]:
    """The facts of one file, model folder or TorchServe archive. Never raises for bad content.

    `shown` is the path that reports print, `ts_config` the server's config.properties where the user names it.
    """
    if is_archive(path):
        from modeldoctor.readers.archive import read_archive
        from modeldoctor.readers.archive.server import read_server

        archive = read_archive(path, shown, read_server(path, shown, ts_config))
        yield Subject(shown, "torchserve-archive", archive.state, archive)
        return
    checkpoint = read_checkpoint(path, shown, sha256=sha256)
    yield Subject(shown, checkpoint.format, checkpoint.state, checkpoint)

"""Compressed streams, unpacked up to a limit that no claim in them can raise: into memory, large ones onto the disk."""

import zlib
from collections.abc import Callable
from importlib import import_module
from tempfile import SpooledTemporaryFile
from typing import Any, Self

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Problem
from modeldoctor.storage import Source
from modeldoctor.wording import size

_CHUNK_BYTES = 1 << 16
_IN_MEMORY_BYTES = 32 << 20
# Streams in a row: `bgzip` makes one per 64 KiB, and empty ones cost time without giving a byte.
_MAX_STREAMS = 4096
# `xz -9` needs 65 MiB to unpack (man xz); a header can ask for 4 GiB.
_LZMA_MEMORY_BYTES = 100 << 20


class _Zlib:
    """zlib's decompressor with the interface of those of bz2 and lzma."""

    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


# Format → module that must be there (Python can be built without it), how a decompressor is made, first bytes.
_STREAMS: dict[str, tuple[str, Callable[[Any], Any], bytes]] = {
    "gzip": ("zlib", lambda _: _Zlib(16 + zlib.MAX_WBITS), b"\x1f\x8b"),
    "zlib": ("zlib", lambda _: _Zlib(zlib.MAX_WBITS), b"\x78"),
    "bzip2": ("bz2", lambda bz2: bz2.BZ2Decompressor(), b"BZh"),
    "xz": ("lzma", lambda lzma: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY_BYTES), b"\xfd7zXZ\0"),
    "lzma": ("lzma", lambda lzma: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY_BYTES), b"\x5d"),
    "deflate": ("zlib", lambda _: _Zlib(-zlib.MAX_WBITS), b"\0no second stream"),
}
STREAMS = frozenset(_STREAMS) - {"deflate"}


class Unpacked:
    """A source of unpacked bytes, and what is wrong behind them. To be closed."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by `close`
        self.size = 0
        self.problem: Problem | None = None

    def append(self, data: bytes) -> None:
        """Add bytes at the end."""
        self._file.write(data)
        self.size += len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        self._file.seek(offset)
        return self._file.read(max(0, min(size, self.size - offset)))

    def close(self) -> None:
        """Give memory and disk back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def inflate(source: Source, kind: str, limit: int) -> Unpacked:
    """The unpacked bytes; ReadError of kind `limit` for more than `limit` of them.

    Streams in a row are unpacked one after the other, as the tools and Python's file objects do.
    """
    unpacked = Unpacked()
    try:
        unpacked.problem = _inflate(source, kind, limit, unpacked)
    except ReadError:
        unpacked.close()
        raise
    return unpacked


def _inflate(source: Source, kind: str, limit: int, unpacked: Unpacked) -> Problem | None:
    module, make, mark = _STREAMS[kind]
    try:
        library = import_module(module)
    except ImportError as error:
        raise ReadError(f"this Python has no `{module}` module to unpack it", kind="limit") from error
    decompressor = make(library)
    offset = 0
    streams = 1
    data = b""
    while True:
        if decompressor.needs_input and not data:
            data = source.read_at(offset, _CHUNK_BYTES)
            offset += len(data)
            if not data:
                return Problem("truncated", f"ends inside the compressed data, after {size(source.size)}", byte=offset)
        try:
            unpacked.append(decompressor.decompress(data, _CHUNK_BYTES))
        except (
            zlib.error,
            OSError,
            ValueError,
            EOFError,
            MemoryError,
            getattr(library, "LZMAError", OSError),
        ) as error:
            return Problem("damaged", f"the compressed data is damaged: {str(error)[:80]}", byte=offset)
        data = b""
        if decompressor.eof:
            data = decompressor.unused_data
            if not data:
                data = source.read_at(offset, _CHUNK_BYTES)
                offset += len(data)
            if not data.startswith(mark):
                return _behind(data, source.size - offset + len(data))
            decompressor = make(library)
            streams += 1
        # Blocks without content can fill a file of any size, so what goes in is bounded like what comes out.
        if max(unpacked.size, offset - _CHUNK_BYTES) > limit or streams > _MAX_STREAMS:
            raise ReadError(f"unpacks to more than {size(limit)}: what is inside was not read", kind="limit")


def _behind(data: bytes, left: int) -> Problem | None:
    """Zeros behind the last stream are padding (tape blocks); anything else is not what a reader expects."""
    return Problem("appended-data", f"{size(left)} follow the compressed data") if data.strip(b"\0") else None

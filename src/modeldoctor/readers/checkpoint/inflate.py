"""Compressed streams, unpacked into memory up to a limit that no claim in them can raise."""

import io
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Problem
from modeldoctor.storage import Source
from modeldoctor.wording import size

_CHUNK_BYTES = 1 << 16
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
}
STREAMS = frozenset(_STREAMS)


def inflate(source: Source, kind: str, limit: int) -> tuple[bytes, Problem | None]:
    """The unpacked bytes, and what is wrong behind them. ReadError of kind `nested-limit` for more than `limit` bytes.

    Streams in a row are unpacked one after the other, as the tools and Python's file objects do.
    """
    module, make, mark = _STREAMS[kind]
    try:
        library = import_module(module)
    except ImportError as error:
        raise ReadError(f"this Python has no `{module}` module to unpack it", kind="nested-limit") from error
    unpacked = io.BytesIO()
    decompressor = make(library)
    offset = 0
    streams = 1
    data = b""
    while True:
        if decompressor.needs_input and not data:
            data = source.read_at(offset, _CHUNK_BYTES)
            offset += len(data)
            if not data:
                text = f"ends inside the compressed data, after {size(source.size)}"
                return unpacked.getvalue(), Problem("truncated", text, byte=offset)
        try:
            unpacked.write(decompressor.decompress(data, _CHUNK_BYTES))
        except (
            zlib.error,
            OSError,
            ValueError,
            EOFError,
            MemoryError,
            getattr(library, "LZMAError", OSError),
        ) as error:
            text = f"the compressed data is damaged: {str(error)[:80]}"
            return unpacked.getvalue(), Problem("damaged", text, byte=offset)
        data = b""
        if decompressor.eof:
            data = decompressor.unused_data
            if not data:
                data = source.read_at(offset, _CHUNK_BYTES)
                offset += len(data)
            if not data.startswith(mark):
                return unpacked.getvalue(), _behind(data, source.size - offset + len(data))
            decompressor = make(library)
            streams += 1
        # Blocks without content can fill a file of any size, so what goes in is bounded like what comes out.
        if max(unpacked.tell(), offset - _CHUNK_BYTES) > limit or streams > _MAX_STREAMS:
            raise ReadError(f"unpacks to more than {size(limit)}: what is inside was not read", kind="nested-limit")


def _behind(data: bytes, left: int) -> Problem | None:
    """Zeros behind the last stream are padding (tape blocks); anything else is not what a reader expects."""
    return Problem("appended-data", f"{size(left)} follow the compressed data") if data.strip(b"\0") else None

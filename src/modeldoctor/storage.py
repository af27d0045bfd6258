"""Bytes behind one small interface, whether they lie in a file, in memory or inside another archive."""

import os
from typing import Protocol, Self

from modeldoctor.errors import ReadError


class Source(Protocol):
    """Random access to bytes. `read_at` returns fewer bytes than asked only at the end."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""


class File:
    """A local file. Counts the bytes it was asked for, to hold the promise that cost follows what must be read."""

    def __init__(self, path: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise ReadError(error.strerror or str(error), kind="unreadable") from error
        self.size = os.fstat(self._descriptor).st_size
        self.bytes_read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; raises ReadError when the disk fails."""
        try:
            if hasattr(os, "pread"):
                data = os.pread(self._descriptor, size, offset)
            else:
                os.lseek(self._descriptor, offset, os.SEEK_SET)
                data = os.read(self._descriptor, size)
        except OSError as error:
            raise ReadError(error.strerror or str(error), kind="unreadable", byte=offset) from error
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Memory:
    """Bytes that are already here."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""
        return self._data[offset : offset + size]


class Window:
    """A stretch of another source: a stored member of an archive."""

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self.size = max(0, min(size, source.size - start))

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset` inside the window."""
        return self._source.read_at(self._start + offset, max(0, min(size, self.size - offset)))

"""Bytes behind one small interface, whether they lie in a file, in memory or inside another archive."""

import os
import stat
from typing import Protocol, Self

from modeldoctor.errors import ReadError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Source(Protocol):
    """Random access to bytes. `read_at` returns fewer bytes than asked only at the end."""

    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`."""


class File:
    """A local file. Counts the bytes it was asked for, to hold the promise that cost follows what must be read."""

    def __init__(self, path: str) -> None:
        try:
            # Looked at before it is opened: opening a named pipe waits for a writer, opening a device may do anything.
            _refuse_special(os.stat(path))
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise _unreadable(error) from error
        try:
            status = os.fstat(self._descriptor)
            _refuse_special(status)
        except ReadError:
            self.close()
            raise
        self.size = status.st_size
        self.bytes_read = 0

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; raises ReadError when the disk fails or the file is cut meanwhile."""
        try:
            data = self._read(offset, size)
            while len(data) < min(size, self.size - offset):  # network file systems may return less than asked
                more = self._read(offset + len(data), size - len(data))
                if not more:
                    raise ReadError("the file became shorter while it was read", kind="unreadable", byte=offset)
                data += more
        except (OSError, OverflowError) as error:
            raise _unreadable(error, offset) from error
        self.bytes_read += len(data)
        return data

    if hasattr(os, "pread"):

        def _read(self, offset: int, size: int) -> bytes:
            return os.pread(self._descriptor, size, offset)

    else:

        def _read(self, offset: int, size: int) -> bytes:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, size)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refuse_special(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        name = next((name for is_kind, name in _KINDS if is_kind(status.st_mode)), "a special file")
        raise ReadError(f"it is {name}, not a regular file", kind="unreadable")


def _unreadable(error: Exception, byte: int | None = None) -> ReadError:
    reason = (isinstance(error, OSError) and error.strerror) or str(error)
    return ReadError(reason[:1].lower() + reason[1:], kind="unreadable", byte=byte)


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

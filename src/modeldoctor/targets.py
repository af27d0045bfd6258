"""From what the user typed to the files and folders that are read, each as one unit."""

import glob
import os
from collections.abc import Iterator
from typing import NamedTuple

from modeldoctor.errors import UsageError


class Unit(NamedTuple):
    """One thing to read: a file, or a folder that is one model. `explicit`: the user named it."""

    path: str
    explicit: bool


def expand(paths: tuple[str, ...], *, allow_empty: bool = False) -> Iterator[Unit]:
    """The units below the given files, folders and globs; UsageError for a missing path or an empty folder or glob."""
    for path in paths:
        matches = [path] if os.path.lexists(path) else sorted(glob.glob(path, recursive=True))
        if not matches and not (allow_empty and glob.has_magic(path)):
            raise UsageError(f"no such file or folder: {path}")
        for match in matches:
            yield Unit(match, explicit=True)

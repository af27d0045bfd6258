"""Patterns for paths, as `exclude`, `per-path` and suppressions have them."""

import os

from modeldoctor.targets import fits


def covers(pattern: str, path: str, root: str = "") -> bool:
    """Whether a pattern is about a path as reports show it.

    A pattern is relative to `root` (empty: the working directory); `*` stays within a folder and `**` does not. It
    covers what lies below the folders that it fits. One without a slash fits that name in any folder.
    """
    if root:
        path = os.path.relpath(path, root).replace(os.sep, "/")
    pattern = pattern.removeprefix("./").rstrip("/")
    parts = pattern.split("/")
    if len(parts) == 1 and not pattern.startswith("**"):
        parts = ["**", *parts]
    elif os.path.isabs(pattern):
        path = os.path.abspath(os.path.join(root, path)).replace(os.sep, "/")
    names = path.split("/")
    return any(fits(names[:length], parts) for length in range(1, len(names) + 1))

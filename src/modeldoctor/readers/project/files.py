"""The files of a project that matter here, found without following links and within limits."""

import os
from collections.abc import Iterator

from modeldoctor.facts.pins import Flaw

MAX_FOLDERS = 20_000
MAX_DEPTH = 12

# Not the project's own files: version control, caches, other environments, packages.
SKIPPED = {
    "node_modules", "__pycache__", "site-packages", "dist-packages", "bower_components", "venv", "env", "virtualenv",
    "htmlcov", "wandb", "mlruns",
}  # fmt: skip
# Hidden folders that hold manifests.
SHOWN = {".github", ".circleci", ".devcontainer", ".docker", ".ci"}


def walk(root: str, flaws: list[Flaw], shown: str) -> Iterator[str]:
    """Paths of all files below `root`, relative to it with `/`, folders near the root first."""
    level = [""]
    folders = 0
    for _ in range(MAX_DEPTH):
        below: list[str] = []
        for folder in level:
            folders += 1
            if folders > MAX_FOLDERS:
                flaws.append(Flaw("limit", f"more than {MAX_FOLDERS} folders; the rest was not searched", shown))
                return
            found = _entries(os.path.join(root, folder) if folder else root)
            if any(name == "pyvenv.cfg" for name, _ in found) and folder:
                continue
            for name, is_folder in found:
                path = f"{folder}/{name}" if folder else name
                if not is_folder:
                    yield path
                elif name not in SKIPPED and (name[0] != "." or name in SHOWN) and not name.endswith(".egg-info"):
                    below.append(path)
        level = below
        if not level:
            return


def _entries(folder: str) -> list[tuple[str, bool]]:
    """Names in a folder, sorted, and whether each is a real folder; none when it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if _plain(entry)]
    except OSError:
        return []
    return sorted(found)


def _plain(entry: os.DirEntry[str]) -> bool:
    """A real folder, a file, or a link to a file; no pipe or device, and no link to a folder."""
    try:
        return entry.is_dir(follow_symlinks=False) or entry.is_file()
    except OSError:
        return False

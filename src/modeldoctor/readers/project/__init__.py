"""A folder or a manifest → what it asks to be installed."""

import os

from modeldoctor.facts.pins import Flaw, Manifest, Requirements
from modeldoctor.readers.project.manifests import kind_of, read_manifest

# Manifests of one project; what is beyond is not read.
MAX_MANIFESTS = 500


def read_project(path: str, shown: str) -> Requirements:
    """The requirements of a folder, or of one manifest with the files that it includes.

    `shown` is the path that reports print; every place in the facts starts with it. Never raises for what lies in a
    file.
    """
    from modeldoctor.readers.project.installations import assemble

    files = Files(path, shown)
    return assemble(files)


class Files:
    """The manifests of a project on disk, each read once and when it is asked for.

    Paths are relative to the root, with `/`.
    """

    def __init__(self, path: str, shown: str) -> None:
        self.flaws: list[Flaw] = []
        self.shown = shown
        self.single = not os.path.isdir(path)
        self.root = os.path.dirname(path) if self.single else path
        self.prefix = os.path.dirname(shown) if self.single else shown
        self._known: dict[str, Manifest | None] = {}
        self.paths = [os.path.basename(path)] if self.single else self._found()

    def _found(self) -> list[str]:
        from modeldoctor.readers.project.files import walk

        found: list[str] = []
        for path in walk(self.root, self.flaws, self.shown):
            if kind_of(path):
                if len(found) >= MAX_MANIFESTS:
                    message = f"more than {MAX_MANIFESTS} manifests; the rest was not read"
                    self.flaws.append(Flaw("limit", message, self.shown))
                    break
                found.append(path)
        return found

    def read(self, path: str, kind: str = "requirements") -> Manifest | None:
        """One manifest, of this kind if its name says none; None when there is no such file, or it is one too many."""
        if path not in self._known:
            real = os.path.join(self.root, *path.split("/"))
            usable = len(self._known) < 2 * MAX_MANIFESTS and os.path.isfile(real)
            self._known[path] = read_manifest(real, self.named(path), kind_of(path) or kind) if usable else None
        return self._known[path]

    def named(self, path: str) -> str:
        """A path as reports print it."""
        return f"{self.prefix.rstrip('/')}/{path}" if self.prefix not in {"", "."} else path

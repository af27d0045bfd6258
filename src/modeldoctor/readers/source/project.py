"""The Python files of a repository, found by the names under which code imports them."""

import ast
import gc
import os
import re
import warnings
from typing import NamedTuple

from modeldoctor.readers.source.loaders import packages
from modeldoctor.readers.source.summary import summarise
from modeldoctor.readers.source.syntax import Module

MAX_FILE_BYTES = 1 << 20  # hand-written modules are far smaller; generated ones hold data, not serving code
MAX_HELD_BYTES = 24 << 20  # of source that is kept, so that no file is opened twice
MAX_PARTS = 150_000  # lines, commas and semicolons of a file: each makes nodes of some hundred bytes
ROOT_MARKS = frozenset(
    {"manage.py", "app.py", "main.py", "wsgi.py", "asgi.py", "setup.py", "pyproject.toml", "Dockerfile"}
)

# Names under which code means the library, unless a file of that name lies where Python looks first.
LIBRARIES = packages() | {
    "aiohttp", "celery", "channels", "django", "falcon", "fastapi", "flask", "gradio", "litestar", "numpy", "quart",
    "ray", "redis", "rest_framework", "sanic", "starlette", "streamlit", "tornado",
}  # fmt: skip


class Unparsed(NamedTuple):
    """A file that could not be read as Python 3, and why. kind: `syntax`, `limit` or `unreadable`."""

    path: str
    line: int | None
    kind: str
    reason: str


class Project:
    """Modules by path, parsed on first need, and the import names that lead to them.

    `paths` are relative to `root`, with `/`. A file has as many import names as it has parent folders that may be an
    import root: `api/models/net.py` is `net`, `models.net` and `api.models.net`.
    """

    def __init__(self, root: str, paths: list[str]) -> None:
        self.root = root
        self.paths = sorted(path for path in paths if path.endswith(".py"))
        self.unparsed: dict[str, Unparsed] = {}
        self.properties: set[str] = set()
        self._sources: dict[str, bytes | None] = {}
        self._held = 0
        self._modules: dict[str, Module | None] = {}
        self._by_suffix: dict[str, list[str]] = {}
        self._found: dict[tuple[str, str], str | None] = {}
        self._known = set(self.paths)
        self._roots = {""} | {os.path.dirname(path) for path in paths if os.path.basename(path) in ROOT_MARKS}
        for path in self.paths:
            parts = module_name(path).split(".")
            for start in range(len(parts)):
                self._by_suffix.setdefault(".".join(parts[start:]), []).append(path)
        self._own_name = self._name_of_root() if "__init__.py" in self._known else None

    def source(self, path: str) -> bytes | None:
        """The bytes of a file; None (and a note) when it can't be read or is too large to be hand-written."""
        if path not in self._sources:
            data = self._bytes(path)
            if self._held + len(data or b"") > MAX_HELD_BYTES:
                return data
            self._held += len(data or b"")
            self._sources[path] = data
        return self._sources[path]

    def _bytes(self, path: str) -> bytes | None:
        try:
            with open(os.path.join(self.root, path), "rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            self._note(path, None, "unreadable", error.strerror or type(error).__name__)
            return None
        if len(data) > MAX_FILE_BYTES:
            self._note(path, None, "limit", f"larger than {MAX_FILE_BYTES >> 20} MiB")
            return None
        if data.count(b"\n") + data.count(b",") + data.count(b";") > MAX_PARTS:
            self._note(path, None, "limit", f"more than {MAX_PARTS:,} lines and list items")
            return None
        return data

    def size(self, path: str) -> int:
        """The size of a file in bytes, 0 when it cannot be told."""
        try:
            return os.stat(os.path.join(self.root, path)).st_size
        except OSError:
            return 0

    def _note(self, path: str, line: int | None, kind: str, reason: str) -> None:
        self.unparsed.setdefault(path, Unparsed(path, line, kind, reason))

    def tree(self, path: str) -> ast.Module | None:
        """The syntax tree of a file, from bytes: BOM and coding lines are the parser's business."""
        data = self.source(path)
        if data is None:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes in foreign code are its author's
                return ast.parse(data)
        except SyntaxError as error:
            self._note(path, error.lineno, "syntax", error.msg)
        except (ValueError, RecursionError, MemoryError) as error:
            self._note(path, None, "syntax", str(error) or "nested too deeply")
        return None

    def module(self, path: str) -> Module | None:
        """The summary of a file, or None when it can't be parsed."""
        if path not in self._modules:
            self._modules[path] = self._summary(path)
        return self._modules[path]

    def _summary(self, path: str) -> Module | None:
        # The collector would walk the nodes of each tree several times, though none of them is garbage before the end.
        collecting = gc.isenabled()
        gc.disable()
        try:
            tree = self.tree(path)
            package = path.endswith("/__init__.py") or path == "__init__.py"
            module = summarise(tree, path, module_name(path), is_package=package) if tree else None
        except RecursionError:
            self._note(path, None, "limit", "nested too deeply")
            return None
        finally:
            if collecting:
                gc.enable()
        if module is not None:
            self.properties |= module.properties
        return module

    def find(self, name: str, importer: str) -> str | None:
        """The file that `import name` in the file `importer` runs, or None when it is no project module.

        Among several candidates the one that shares the longest folder path with the importer wins.
        """
        key = (name, os.path.dirname(importer))
        if key not in self._found:
            self._found[key] = self._find(name, key[1])
        found = self._found[key]
        return found if found != importer else None

    def _find(self, name: str, folder: str) -> str | None:
        top, _, rest = name.partition(".")
        if top == self._own_name:
            inside = rest.replace(".", "/")
            below = (f"{inside}.py", f"{inside}/__init__.py") if rest else ("__init__.py",)
            return next((path for path in below if path in self._known), None)
        candidates = self._by_suffix.get(name, [])
        best, score = None, (-1, -1)
        for path in candidates:
            root = _import_root(path, name)
            if top in LIBRARIES and f"{root}/__init__.py" in self._known:
                continue  # a file of a package does not hide the library it is named like
            if root == "" or f"{folder}/".startswith(f"{root}/"):
                rank = 2  # the importer lies below that root
            elif root in self._roots:
                rank = 1
            elif len(candidates) == 1 and top not in LIBRARIES:
                rank = 0  # `sys.path` edits and PYTHONPATH: the only file of that name
            else:
                continue
            shared = sum(1 for a, b in zip(f"{folder}/", f"{os.path.dirname(path)}/", strict=False) if a == b)
            if (rank, shared) > score:
                best, score = path, (rank, shared)
        return best

    def _name_of_root(self) -> str | None:
        """The name of the package that the root folder itself is: what its files import one another under."""
        beside = [path[:-3] for path in self.paths if "/" not in path and path != "__init__.py"]
        if not beside:
            return None
        words = re.compile(
            rb"^\s*(?:from|import)\s+(\w+)\.(?:" + "|".join(map(re.escape, beside)).encode() + rb")\b", re.MULTILINE
        )
        for path in self.paths:
            for found in words.findall(self.source(path) or b"") if "/" not in path else ():
                name: str = found.decode()
                if name not in self._by_suffix and name not in LIBRARIES:
                    return name
        return None


def module_name(path: str) -> str:
    """The dotted name of a file from the repository's root."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _import_root(path: str, name: str) -> str:
    """The folder that must be on `sys.path` so that `path` is imported as `name`."""
    folder = path.removesuffix(".py").removesuffix("/__init__")
    return folder[: len(folder) - len(name)].rstrip("/")

"""From what the user typed to the files and folders that are read, each as one unit."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from modeldoctor.detect import NESTING, READ_IN_FOLDERS, READABLE, WHOLE_TREES, folder_kind, is_archive, sniff
from modeldoctor.errors import ReadError, UsageError
from modeldoctor.storage import File


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# Names that promise a model: such files are units whatever is in them.
MODEL_SUFFIXES = _words(
    ".pt .pth .ckpt .safetensors .pkl .pickle .joblib .dill .pt2 .pte .ptl .th .t7 .mar .nemo .distcp",
    ".onnx .gguf .ggml .h5 .hdf5 .keras .tflite .mlmodel .part .crdownload .aria2",
)
# Names of texts, sources, pictures and tables, which are not opened to look for a model.
_OTHER_SUFFIXES = _words(
    ".py .pyi .pyc .pyx .ipynb .c .h .cc .cpp .cu .hpp .cuh .o .a .so .dll .dylib .js .ts .jsx .tsx .css .html .htm",
    ".xml .svg .rst .md .txt .json .jsonl .yaml .yml .toml .ini .cfg .conf .lock .log .csv .tsv .parquet .arrow .sh",
    ".feather .bat .ps1 .sql .java .go .rs .rb .lua .r .tex .pdf .png .jpg .jpeg .gif .bmp .webp .tif .tiff .ico .mp3",
    ".wav .flac .mp4 .avi .mov .mkv .ttf .woff .woff2 .map .patch .diff .whl .egg .jar .class .pem .crt .key .po .mo",
    ".db .sqlite",
)
_SKIPPED_FOLDERS = _words(
    ".git .hg .svn .bzr node_modules __pycache__ site-packages .tox .nox .eggs .mypy_cache .pytest_cache .ruff_cache",
    ".hypothesis .ipynb_checkpoints .idea .vscode .terraform",
)
# Folders with these names are build output when one of those files stands beside them.
_BUILD_FOLDERS = frozenset({"build", "dist", "target", "out"})
_PROJECT_FILES = frozenset(
    {"pyproject.toml", "setup.py", "setup.cfg", "package.json", "CMakeLists.txt", "Cargo.toml", "Makefile"}
)
# What stands under the name of a model after a clone or download that failed.
_STAND_INS = frozenset(
    {"lfs-pointer", "annex-pointer", "html", "xml", "json-error", "text", "empty", "zeros", "mangled"}
)
# A limit for trees without end (a mounted bucket, `/proc`).
MAX_FILES = 1_000_000


class Unit(NamedTuple):
    """One thing to read: a file, or a folder that is one model. `explicit`: the user named it.

    `project`: the source and the manifests of a folder, or one such file, not a model.
    """

    path: str
    explicit: bool
    project: bool = False


def expand(paths: tuple[str, ...], *, allow_empty: bool = False) -> Iterator[Unit]:
    """The units below the given files, folders and globs, each once, in the order given and sorted below folders.

    What exists is yielded first; then UsageError says what doesn't exist, and which folders and globs hold no model
    (unless `allow_empty`).
    """
    seen: set[tuple[str, bool]] = set()
    missing: list[str] = []
    empty: list[str] = []
    for path in paths:
        matches = _matches(path)
        if not matches:
            (empty if _is_glob(path) else missing).append(path)
        found = 0
        for unit in (unit for match in matches for unit in _units(match)):
            found += 1
            identity = (os.path.normcase(os.path.abspath(unit.path)), unit.project)
            if identity not in seen:
                seen.add(identity)
                yield unit
        if matches and not found:
            empty.append(path)
    complaints = [_MISSING.format(path) for path in missing]
    if not allow_empty:
        complaints += [(_NO_MATCH if _is_glob(path) else _EMPTY).format(path) for path in empty]
    if complaints:
        raise UsageError("; ".join(complaints))


_MISSING = "no such file or folder: `{}`"
_EMPTY = "no model file in `{}`: nothing there has the suffix or the first bytes of one (`--allow-empty` accepts that)"
_NO_MATCH = "nothing that could be a model matches `{}` (`--allow-empty` accepts that)"


def _matches(path: str) -> list[str]:
    """The path itself, or what matches a glob that the shell did not expand; `x/**` is the folder `x`."""
    if os.path.lexists(path):
        return [path]
    parts = path.replace(os.sep, "/").split("/")
    if "**" not in parts:
        from glob import glob

        return sorted(glob(path))
    # `glob` follows links round in circles below `**`, so the folders are walked here.
    fixed = next(index for index, part in enumerate(parts) if _is_glob(part))
    base = "/".join(parts[:fixed]) or ("/" if path.startswith("/") else "")
    if parts[fixed:] == ["**"]:
        return [base or "."] if os.path.isdir(base or ".") else []
    return sorted(
        os.path.join(base, name) for name in _Walk().names(base or ".") if fits(name.split("/"), parts[fixed:])
    )


def _is_glob(path: str) -> bool:
    return any(character in path for character in "*?[")


def fits(names: list[str], patterns: list[str]) -> bool:
    """Whether a path fits a glob, part by part; `**` stands for any number of folders."""
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(fits(names[skipped:], patterns[1:]) for skipped in range(len(names) + 1))
    from fnmatch import fnmatch

    return bool(names) and fnmatch(names[0], patterns[0]) and fits(names[1:], patterns[1:])


def _units(path: str) -> Iterator[Unit]:
    """A file is a unit; so is a folder that is one model, together with what it has below; others are walked."""
    if not os.path.isdir(path):
        yield Unit(path, explicit=True, project=_is_project_file(path))
        return
    walk = _Walk()
    models = list(walk.units(path))
    if walk.in_project:  # first, since it decides the target of the models
        yield Unit(path, explicit=True, project=True)
    yield from models


def _is_project_file(path: str) -> bool:
    """Whether a path is that of Python source, or of a file that says what is installed."""
    name, suffix = os.path.splitext(os.path.basename(path).lower())
    if (suffix in MODEL_SUFFIXES and name != "dockerfile") or suffix == ".py":
        return suffix == ".py"
    from modeldoctor.readers.project.manifests import kind_of

    return kind_of(path) != ""


class _Walk:
    """The state of one walk: the folders that were entered, so that a link does not lead round in circles."""

    def __init__(self) -> None:
        self.entered: set[tuple[int, int]] = set()
        self.files = 0
        self.in_project = False

    def units(self, root: str) -> Iterator[Unit]:
        """The units in a folder, depth first, files before folders. Folders that cannot be listed hold none."""
        pending = [root]
        while pending:
            path = pending.pop()
            files, folders = self.listing(path)
            if "MAR-INF" in folders:  # an unpacked TorchServe archive, which is one thing with all it has below
                yield Unit(path, explicit=path == root)
                continue
            kind = folder_kind(files)
            if kind is not None:
                yield Unit(path, explicit=path == root)
                files = {name for name in files if not name.endswith(READ_IN_FOLDERS)}
            elif not self.in_project:
                self.in_project = any(_is_project_file(os.path.join(path, name)) for name in files)
            if kind is None or kind.format not in WHOLE_TREES:
                for name in sorted(files):
                    if _is_model(path, name):
                        yield Unit(os.path.join(path, name), explicit=False)
                pending += [os.path.join(path, name) for name in sorted(folders, reverse=True)]

    def names(self, root: str) -> Iterator[str]:
        """All files in a folder that are not hidden, relative to it, with `/`."""
        pending = [""]
        while pending:
            path = pending.pop()
            files, folders = self.listing(os.path.join(root, path))
            yield from (path + name for name in files if not name.startswith("."))
            pending += [f"{path}{name}/" for name in folders if not name.startswith(".")]

    def listing(self, path: str) -> tuple[set[str], list[str]]:
        """The names of files and of folders worth entering; none in a folder that was entered before or cannot be."""
        files: set[str] = set()
        folders: list[str] = []
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in self.entered and status.st_ino:  # 0: a file system without inodes
                return set(), []
            self.entered.add((status.st_dev, status.st_ino))
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folders.append(entry.name)
                    else:
                        files.add(entry.name)
        except OSError:
            return set(), []
        self.files += len(files)
        if self.files > MAX_FILES:
            raise UsageError(f"more than {MAX_FILES:,} files below `{path}`: name the folders that hold models")
        if "pyvenv.cfg" in files:
            return set(), []
        return files, [name for name in folders if not _is_skipped(name, files, folders)]


def _is_skipped(name: str, files: set[str], folders: list[str]) -> bool:
    """Version control, environments, caches and build output."""
    if name in _SKIPPED_FOLDERS or name.endswith(".egg-info"):
        return True
    if name in _BUILD_FOLDERS:
        return not _PROJECT_FILES.isdisjoint(files)
    # The Hugging Face cache keeps the bytes here, and links to them under their names in `snapshots`.
    return name == "blobs" and "snapshots" in folders and "refs" in folders


def _is_model(folder: str, name: str) -> bool:
    """Whether a file met on the way is a model: by its suffix, or by its bytes when the suffix says nothing."""
    stem, suffix = os.path.splitext(name.lower())
    if suffix in MODEL_SUFFIXES:
        # macOS attributes are not the model of that name, nor is the Dockerfile of an ONNX image one.
        return not name.startswith("._") and stem != "dockerfile"
    if suffix in _OTHER_SUFFIXES:
        return False
    if suffix in {".gz", ".tgz"} and is_archive(os.path.join(folder, name)):
        return True
    try:
        with File(os.path.join(folder, name)) as file:
            found = sniff(file, name)
    except ReadError:
        return False
    if found.format in NESTING:
        inner = [stem] if found.directory is None else [entry.name for entry in found.directory.entries]
        return any(os.path.splitext(each)[1].lower() in MODEL_SUFFIXES for each in inner)
    return found.format in READABLE or (suffix == ".bin" and found.format in _STAND_INS)

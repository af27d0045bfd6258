"""What is installed in a Python environment, from its folders: nothing is run and nothing imported."""

import os
import re
import sys
from collections.abc import Iterator

from modeldoctor.errors import UsageError
from modeldoctor.facts.environment import Installed

# Folders of one site-packages; the largest environments seen have some 600 distributions.
MAX_ENTRIES = 20_000
MAX_BYTES = 64 << 10

_DIST = re.compile(r"([A-Za-z0-9][\w.]*?)-([0-9][\w.!+]*?)(?:-py\d[\w.]*)?\.(?:dist-info|egg-info)$")
_CONDA = re.compile(r"([A-Za-z0-9_][\w.-]*)-([\w.!]+)-([\w.]+)\.json$")
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*[tw]?(?:\.exe)?$")
_PYTHON_FOLDER = re.compile(r"python(3\.\d+t?)$")
# torch/version.py: `__version__ = '2.6.0+cu124'`, `cuda: Optional[str] = '12.4'`.
_TORCH_VERSION = re.compile(r"^__version__\s*(?::[^=]+)?=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)
_TORCH_CUDA = re.compile(r"^cuda\s*(?::[^=]+)?=\s*(?:['\"]([^'\"]+)['\"]|(None))", re.MULTILINE)


def read_interpreter(path: str) -> Installed:
    """The environment of an interpreter (`…/bin/python`), or of a folder that is one. UsageError when it is none."""
    if not os.path.exists(path):
        raise UsageError(f"no such interpreter: {path}")
    if not os.path.isdir(path) and not _PYTHON.match(os.path.basename(path).lower()):
        raise UsageError(f"`{path}` is no Python interpreter: name a `python`, or the folder of an environment")
    prefix = path if os.path.isdir(path) else _prefix(path)
    found = read_prefix(prefix, "interpreter")
    if found is None:
        raise UsageError(f"`{path}` is no Python environment: no site-packages below {prefix}")
    return found._replace(path=path)


def _prefix(path: str) -> str:
    """The environment that an interpreter belongs to: where its pyvenv.cfg is, else where the real one lies."""
    folder = os.path.dirname(os.path.abspath(path))
    for candidate in (folder, os.path.dirname(folder)):
        if os.path.isfile(os.path.join(candidate, "pyvenv.cfg")):
            return candidate
        if os.path.isdir(os.path.join(candidate, "conda-meta")):
            return candidate
    folder = os.path.dirname(os.path.realpath(path))
    return os.path.dirname(folder) if os.path.basename(folder).lower() in {"bin", "scripts"} else folder


def active_environment(folder: str, environ: dict[str, str] | None = None) -> Installed | None:
    """The active virtual or conda environment, else `.venv` in a folder; never the one this tool runs in."""
    environ = dict(os.environ) if environ is None else environ
    candidates = (
        (environ.get("VIRTUAL_ENV", ""), "venv"),
        (environ.get("CONDA_PREFIX", ""), "conda"),
        (os.path.join(folder, ".venv"), "venv"),
    )
    for prefix, kind in candidates:
        if prefix and os.path.isdir(prefix) and not is_own(prefix):
            found = read_prefix(prefix, kind)
            if found is not None:
                return found
    return None


def is_own(prefix: str) -> bool:
    """Whether this tool is installed in an environment; it is never the target."""
    return os.path.realpath(prefix) in {os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}


def read_prefix(prefix: str, kind: str) -> Installed | None:
    """The environment at a prefix; None when there is no site-packages in it."""
    folders = list(_site_packages(prefix))
    conda = dict(_conda_packages(os.path.join(prefix, "conda-meta")))
    if not folders and not conda:
        return None
    packages = dict(sorted(conda.items()))
    for folder in folders:
        packages.update(_distributions(folder))
    if "torch" not in packages and "pytorch" in packages:
        packages["torch"] = packages["pytorch"]
    torch, cuda = _torch(folders)
    python = _python(prefix, folders) or packages.get("python", "")
    torch = torch or packages.get("torch", "")
    return Installed(prefix, kind, python, torch, cuda, tuple(sorted(packages.items())), tuple(folders))


def _site_packages(prefix: str) -> Iterator[str]:
    """The folders with packages below a prefix: POSIX, Windows and Debian layouts."""
    for library in ("lib", "lib64", "local/lib"):
        base = os.path.join(prefix, *library.split("/"))
        if library == "lib64" and os.path.islink(base):
            continue
        names = sorted(_names(base))
        for name in names:
            if _PYTHON_FOLDER.match(name) or name == "python3":
                for packages in ("site-packages", "dist-packages"):
                    path = os.path.join(base, name, packages)
                    if os.path.isdir(path):
                        yield path
    windows = os.path.join(prefix, "Lib", "site-packages")
    if os.path.isdir(windows) and not os.path.isdir(os.path.join(prefix, "lib")):
        yield windows


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry, _ in zip(entries, range(MAX_ENTRIES), strict=False)]
    except OSError:
        return []


def _distributions(folder: str) -> dict[str, str]:
    """Names and versions, from the names of `.dist-info` and `.egg-info` folders."""
    found = {}
    for name in _names(folder):
        match = _DIST.match(name)
        if match:
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2]
    return found


def _conda_packages(folder: str) -> Iterator[tuple[str, str]]:
    for name in _names(folder):
        match = _CONDA.match(name)
        if match:
            yield re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]


def _python(prefix: str, folders: list[str]) -> str:
    """The version of the interpreter: from pyvenv.cfg, else from the name of its library folder."""
    text = _text(os.path.join(prefix, "pyvenv.cfg"))
    match = re.search(r"^version(?:_info)?\s*=\s*(3\.\d+(?:\.\d+)?)", text, re.MULTILINE)
    if match:
        return match[1]
    for folder in folders:
        named = _PYTHON_FOLDER.search(os.path.basename(os.path.dirname(folder)))
        if named:
            return named[1]
    return ""


def _torch(folders: list[str]) -> tuple[str, str]:
    """`torch.__version__` and its CUDA, from the file that defines them."""
    for folder in folders:
        text = _text(os.path.join(folder, "torch", "version.py"))
        version = _TORCH_VERSION.search(text)
        if version:
            cuda = _TORCH_CUDA.search(text)
            hip = re.search(r"^hip\s*(?::[^=]+)?=\s*['\"]", text, re.MULTILINE)
            return version[1], "" if hip or cuda is None else cuda[1] or "cpu"
    return "", ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(MAX_BYTES)
    except OSError:
        return ""

"""Where the code that a pickle imports stands: in the project, under another name, or among what it installs."""

import re

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.skew import Environment
from modeldoctor.facts.verdict import Code
from modeldoctor.predict.globals import canonical, origin
from modeldoctor.readers.source.project import Project

# Classes looked for under another name; a pickle that names more is a program, not a model.
MAX_MODULES = 200
# Formats whose names Python's unpickler imports; TorchScript and torch.package carry their code with them.
_UNPICKLED = frozenset({"torch-zip", "torch-legacy", "torch-tar", "pickle", "joblib"})


def find_code(
    checkpoint: Checkpoint, root: str, files: list[str], installed: Environment | None = None
) -> tuple[Code, ...]:
    """The modules of the pickle that are neither torch's, NumPy's nor the standard library's, each looked for."""
    if checkpoint.format not in _UNPICKLED:
        return ()
    wanted: dict[str, list[str]] = {}
    for pickle in checkpoint.pickles:
        for entry in pickle.globals:
            module, name = canonical(entry.module, entry.name)
            if origin(module, name).owner in {"project", "package", "main"}:
                names = wanted.setdefault(module, [])
                if name not in names:
                    names.append(name)
    if not wanted:
        return ()
    project = Project(root, files)
    return tuple(
        _look(module, tuple(names), project, installed) for module, names in list(wanted.items())[:MAX_MODULES]
    )


def _look(module: str, names: tuple[str, ...], project: Project, installed: Environment | None) -> Code:
    owner = origin(module, names[0])
    path = _file_of(module, project)
    if owner.owner == "package":
        top = _file_of(module.partition(".")[0], project)
        if top is not None and path is None:
            return Code(module, names, "shadowed", place=top)
        if path is None:
            return _among_packages(module, names, owner.distribution or module.partition(".")[0], installed)
    if path is None:
        elsewhere = _defined_in(names, project)
        return Code(module, names, "moved" if elsewhere else "missing", elsewhere=elsewhere)
    found = project.module(path)
    if found is None:
        return Code(module, names, "found", place=path)
    known = found.classes.keys() | found.scopes.keys() | found.body.values.keys() | found.body.imports.keys()
    absent = tuple(name for name in names if name.partition(".")[0] not in known)
    if absent and not found.body.stars:
        elsewhere = _defined_in(absent, project)
        return Code(module, absent, "moved" if elsewhere else "no such name", path, elsewhere)
    return Code(module, names, "found", place=path)


def _file_of(module: str, project: Project) -> str | None:
    """The file that `import module` would run with the project's folder, or `src`, on the path."""
    parts = module.replace(".", "/")
    for root in ("", "src/"):
        for name in (f"{root}{parts}.py", f"{root}{parts}/__init__.py"):
            if name in project.paths:
                return name
    return project.find(module, "")


def _defined_in(names: tuple[str, ...], project: Project) -> str:
    """`new/place.py:12` where the first of the classes is defined now; `""` for nowhere, or for several places."""
    first = names[0].partition(".")[0]
    if not first.isidentifier():
        return ""
    pattern = re.compile(rb"^(?:class|def)\s+" + first.encode() + rb"\b", re.MULTILINE)
    places = []
    for path in project.paths:
        data = project.source(path)
        match = pattern.search(data) if data is not None else None
        if data is not None and match is not None:
            places.append(f"{path}:{data[: match.start()].count(10) + 1}")
    return places[0] if len(places) == 1 else ""


def _among_packages(module: str, names: tuple[str, ...], distribution: str, installed: Environment | None) -> Code:
    """Whether what the project installs has the package; without any list of packages nobody can tell."""
    if installed is None:
        return Code(module, names, "unknown", elsewhere=distribution)
    package = installed.packages.get(distribution.lower().replace("_", "-"))
    if package is None:
        return Code(module, names, "not installed", place=installed.name, elsewhere=distribution)
    return Code(module, names, "found", place=package.place, elsewhere=distribution)

"""A project as one: what it asks to be installed, its code, and the target that both lead to."""

import os

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.skew import Skew
from modeldoctor.facts.source import Source
from modeldoctor.facts.verdict import Code, Loading
from modeldoctor.predict.target import resolve_target, skew_of
from modeldoctor.readers.environment import active_environment, read_interpreter
from modeldoctor.readers.project import read_project
from modeldoctor.readers.project.code import find_code
from modeldoctor.readers.project.files import walk


class ProjectFacts:
    """What is known of a project; the code that a file needs is looked for when it is asked for."""

    def __init__(self, root: str | None, target: Target, skew: Skew | None, source: Source | None) -> None:
        self.root = root
        self.target = target
        self.skew = skew
        self.source = source
        self._files: list[str] | None = None

    def loading(self, checkpoint: Checkpoint) -> Loading:
        """How the project loads this file: what its calls say that name it, else what all its calls say."""
        if self.source is None:
            return Loading()
        calls = [load for load in self.source.loads if load.loader == "torch.load"]
        name = os.path.basename(checkpoint.path)
        named = [load for load in calls if load.file.text and os.path.basename(load.file.text) == name] or calls
        stated = {load.weights_only for load in named}
        weights_only = None
        if len(stated) == 1 and stated <= {"True", "False"}:
            place = named[0].where
            weights_only = Value(stated.pop(), f"{place.path}:{place.line}", "project")
        mapped = bool(named) and all(load.map_location in {"cpu", "computed", "guarded"} for load in named)
        return Loading(weights_only, _allowed(self.source), mapped)

    def code(self, checkpoint: Checkpoint) -> tuple[Code, ...]:
        """Where the modules that the pickle imports are found in the project or among what it installs."""
        if self.root is None or not os.path.isdir(self.root):
            return ()
        if self._files is None:
            self._files = list(walk(self.root, [], self.root))
        installed = self.skew.environments[0] if self.skew is not None and self.skew.environments else None
        return find_code(checkpoint, self.root, self._files, installed)


def _allowed(source: Source) -> tuple[str, ...]:
    """Names that the code gives to `add_safe_globals` or `safe_globals`."""
    return tuple(name for each in source.seen("safe-globals") for name in each.text.split())


def read_project_facts(
    path: str | None,
    shown: str,
    given: Target,
    interpreter: str | None = None,
    *,
    loaders: tuple[str, ...] = (),
    getters: tuple[str, ...] = (),
) -> ProjectFacts:
    """Read a project folder, or one manifest or source file. `path` None: only the environments at hand."""
    named = read_interpreter(interpreter) if interpreter is not None else None
    active = active_environment(path if path is not None and os.path.isdir(path) else ".")
    is_source = path is not None and path.endswith(".py")
    requirements = read_project(path, shown) if path is not None and not is_source else None
    decided = resolve_target(given, requirements, named, active)
    skew = skew_of(requirements, given, decided) if requirements is not None and requirements.manifests else None
    source = None
    if path is not None and (is_source or os.path.isdir(path)):
        from modeldoctor.readers.source.read import read_source

        source = read_source(path, shown, loaders=loaders, getters=getters)
    root = path if path is None or os.path.isdir(path) else os.path.dirname(path) or "."
    return ProjectFacts(root, decided.target, skew, source if source is not None and source.files else None)

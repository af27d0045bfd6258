"""A project as one: what it asks to be installed, its code, and the target that both lead to."""

import os

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.skew import Skew
from modeldoctor.facts.source import ModelLoad, Source
from modeldoctor.facts.verdict import Code, Loading
from modeldoctor.predict.target import Decided, resolve_target, skew_of
from modeldoctor.readers.environment import active_environment, read_interpreter
from modeldoctor.readers.project import read_project
from modeldoctor.readers.project.code import find_code
from modeldoctor.readers.project.files import walk
from modeldoctor.readers.project.loading_mode import FORCE_OFF, FORCE_ON, Modes, read_modes


class ProjectFacts:
    """What is known of a project; the code that a file needs is looked for when it is asked for."""

    def __init__(
        self, root: str | None, shown: str, decided: Decided, skew: Skew | None, source: Source | None
    ) -> None:
        self.root = root
        self.shown = shown
        self.decided = decided
        self.target = decided.target
        self.skew = skew
        self.source = source
        self._files: list[str] | None = None
        self._modes: Modes | None = None
        self._code: tuple[Checkpoint, tuple[Code, ...]] | None = None

    def loading(self, checkpoint: Checkpoint) -> Loading:
        """How the project loads this file: what its calls that may mean it say, under what is set around them."""
        modes = self.modes()
        calls = self._calls(os.path.basename(checkpoint.path))
        if not calls:
            return Loading(_around(modes), modes.allowed)
        # The code of the service decides; what only a script does is asked when nothing else loads the file.
        calls = [load for load in calls if load.when not in {"script", "unknown"}] or calls
        effective = [self._mode(load, modes) for load in calls]
        mapped = all(load.map_location in {"cpu", "computed", "guarded"} for load in calls)
        same = len({value.text if value else "" for value in effective}) == 1
        return Loading(effective[0] if same else _undecided(calls, effective), modes.allowed, mapped)

    def modes(self) -> Modes:
        """What is set around the calls; read when it is asked for."""
        if self._modes is None:
            folder = self.root if self.root is not None and os.path.isdir(self.root) else None
            self._modes = read_modes(folder, self.files() if folder else [], self.shown)
        return self._modes

    def files(self) -> list[str]:
        """The files of the project, relative to it."""
        if self._files is None:
            self._files = list(walk(self.root, [], self.root)) if self.root is not None else []
        return self._files

    def _calls(self, name: str) -> list[ModelLoad]:
        """The loads that name a file, else those of which nobody knows what they load."""
        weights = [load for load in self.source.loads if load.kind == "weights"] if self.source is not None else []
        named = [load for load in weights if load.file.text and os.path.basename(load.file.text) == name]
        return named or [load for load in weights if not load.file.text and load.loader == "torch.load"]

    def _mode(self, load: ModelLoad, modes: Modes) -> Value | None:
        """Which `weights_only` is in force in one call, and where that is said; None for the default.

        The order of `torch.load` in torch/serialization.py; `pickle_module` turns the default off.
        """
        place = f"{self.shown.rstrip('/')}/{load.where.path}" if self.shown not in {"", "."} else load.where.path
        place = f"{place}:{load.where.line}"
        if load.loader != "torch.load":
            return Value("computed", place, "project", f"`{load.loader}` loads it")
        around = _around(modes)
        if around is not None and around.text in {"True", "both"}:
            return around
        if load.retried is not None:
            return Value("False", place, "project")
        if load.weights_only in {"True", "False", "computed"}:
            why = "`weights_only` is computed there" if load.weights_only == "computed" else ""
            return Value(load.weights_only, place, "project", why)
        if modes.replaced is not None:
            return modes.replaced
        if (load.where.path, load.where.line) in modes.pickled:
            return Value("False", place, "project", "`pickle_module` turns the restricted loader off")
        return around

    def code(self, checkpoint: Checkpoint) -> tuple[Code, ...]:
        """Where the modules that the pickle imports are found in the project or among what it installs."""
        if self.root is None or not os.path.isdir(self.root):
            return ()
        if self._code is None or self._code[0] is not checkpoint:
            installed = self.skew.environments[0] if self.skew is not None and self.skew.environments else None
            self._code = checkpoint, find_code(checkpoint, self.root, self.files(), installed)
        return self._code[1]


def _around(modes: Modes) -> Value | None:
    """What `TORCH_FORCE_…` says for a call without `weights_only`."""
    on, off = modes.forced.get(FORCE_ON), modes.forced.get(FORCE_OFF)
    if on is not None and off is not None:
        return off._replace(text="both", why=f"`{FORCE_ON}` ({on.source})")
    if on is not None:
        return on._replace(text="True", why=f"`{FORCE_ON}`")
    return off._replace(text="False", why=f"`{FORCE_OFF}`") if off is not None else None


def _undecided(calls: list[ModelLoad], values: list[Value | None]) -> Value | None:
    """What calls that differ come to: the default, which the first of them meets, unless one of them is not known."""
    unknown = next((value for value in values if value is not None and value.text == "computed"), None)
    trusting = next((value for value in values if value is not None and value.text == "False"), None)
    if unknown is None and trusting is not None and not calls[0].file.text:
        return trusting._replace(text="computed", why="which of several differing calls loads it is not known")
    return unknown


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

        source = read_source(path, shown, loaders=loaders, getters=getters, requirements=requirements)
    root = path if path is None or os.path.isdir(path) else os.path.dirname(path) or "."
    folder = shown if path is None or os.path.isdir(path) else os.path.dirname(shown)
    return ProjectFacts(root, folder, decided, skew, source if source is not None and source.files else None)

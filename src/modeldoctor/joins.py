"""Facts that join two worlds: a file under its target, a project's pins under what was asked, its code.

The engine asks for them once per project; what needs no join costs nothing here.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modeldoctor.config import Config
from modeldoctor.errors import UsageError
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Subject

if TYPE_CHECKING:
    from modeldoctor.facts.verdict import Code, Loading, Tables
    from modeldoctor.predict.target import Decided
    from modeldoctor.readers.joined import ProjectFacts

# What every torch since 2.0 builds under any setting: a file with nothing else loads everywhere, so that there is
# nothing to predict (held against the tables by a test).
_EVERYWHERE = frozenset(
    {
        "collections.OrderedDict",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        *(
            f"torch.{name}Storage"
            for name in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
        ),
    }
)


class Joins:
    """The projects of a run: each is read once, and decides the target of the files below it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.projects: dict[str, ProjectFacts] = {}
        self.shown: dict[str, ProjectFacts] = {}
        self.default: ProjectFacts | None = None
        self.judged = ""
        self.begun = False

    def begin(self) -> None:
        """Hold the target against what exists, and read what was named; UsageError for what is not there."""
        if self.begun:
            return
        self.begun = True
        config = self.config
        if config.target != Target():
            from modeldoctor.predict.target import require_known

            require_known(config.target)
        if config.project is not None:
            if not os.path.exists(config.project):
                raise UsageError(f"no such project: `{config.project}`")
            self.default = self.read(config.project, config.project)
        elif config.interpreter is not None or _environment_at_hand():
            self.default = self.read(None, "")

    def read(self, path: str | None, shown: str) -> "ProjectFacts":
        """The facts of a project folder or of one of its files, and the target that they lead to."""
        from modeldoctor.readers.joined import read_project_facts

        config = self.config
        return read_project_facts(
            path, shown, config.target, config.interpreter, loaders=config.loaders, getters=config.cached_getters
        )

    def project(self, path: str, shown: str) -> Iterator[Subject]:
        """What the source and the manifests of a folder, or one such file, say."""
        facts = self.projects[_key(path)] = self.shown[shown] = self.read(path, shown)
        if facts.skew is not None:
            if any(environment.torch for environment in facts.skew.environments):
                self.judged = self.judged or facts.skew.environments[0].installation.files[0]
            yield Subject(shown, "project", facts.skew.state, facts.skew)
        if facts.source is not None:
            yield Subject(shown, "source", "understood", facts.source)

    def project_of(self, path: str) -> "ProjectFacts | None":
        """The project that was named, else the nearest around a file that was read in this run, else any."""
        self.begin()
        if not self.projects or self.config.project is not None:
            return self.default
        folder = _key(path)
        while folder and folder not in self.projects and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        return self.projects.get(folder) or self.default or next(iter(self.projects.values()))

    def target(self, path: str) -> Target:
        """The environment that a file is judged for."""
        project = self.project_of(path)
        return self.config.target if project is None else project.target

    def chosen(self) -> "tuple[tuple[str, Decided], ...]":
        """How the target of each project was chosen, or the one target of a run without any."""
        if self.config.project is None and self.shown:
            return tuple((shown, facts.decided) for shown, facts in self.shown.items())
        return (("", self.default.decided),) if self.default is not None else ()

    def tables(self) -> "Tables | None":
        """The version tables, when something was judged with them and they are old."""
        if not self.judged:
            return None
        from datetime import UTC, datetime

        from modeldoctor.facts.verdict import Tables
        from modeldoctor.predict import compat

        age_days = compat.age_days(datetime.now(tz=UTC).date().isoformat())
        found = Tables(self.judged, compat.collected(), age_days, compat.newest().version)
        return found if age_days > compat.STALE_AFTER_DAYS else None

    def located(self, subject: Subject, path: str) -> frozenset[str]:
        """The modules that a file imports and that were looked for in its project, found or not."""
        if not isinstance(subject.facts, Checkpoint) or (not self.projects and self.default is None):
            return frozenset()
        project = self.project_of(path)
        code = project.code(subject.facts) if project is not None else ()
        return frozenset(each.module for each in code if each.status not in {"unknown", "not installed"})

    def joined(self, subject: Subject, path: str) -> Iterator[Subject]:
        """What the subject's facts tell together with the target; nothing where that cannot be more."""
        if not isinstance(subject.facts, Checkpoint) or subject.state != "understood":
            return
        checkpoint = subject.facts
        if checkpoint.children and not checkpoint.head:  # a folder: its shards are what is loaded
            from modeldoctor.predict.load.overview import representative

            checkpoint = representative(checkpoint)
        target = self.target(path)
        if target.torch is not None:
            self.judged = self.judged or subject.path
        elif _loads_everywhere(checkpoint):
            return
        from modeldoctor.predict.verdict import verdict

        project = self.project_of(path)
        loading, code = _in_project(project, checkpoint)
        found = verdict(checkpoint, target, loading, code)
        if found is not None:
            yield subject._replace(path=checkpoint.path, facts=found)


def _in_project(project: "ProjectFacts | None", checkpoint: Checkpoint) -> "tuple[Loading | None, tuple[Code, ...]]":
    """How the project loads the file, and where the code that it needs is found there."""
    if project is None:
        return None, ()
    return project.loading(checkpoint), project.code(checkpoint)


def _loads_everywhere(checkpoint: Checkpoint) -> bool:
    """Whether nothing in the file depends on the release that loads it."""
    if checkpoint.format == "safetensors":
        return True
    pickle = checkpoint.main_pickle
    return (
        checkpoint.format in {"torch-zip", "torch-legacy"}
        and pickle is not None
        and pickle.protocol == 2
        and all(str(entry) in _EVERYWHERE for entry in pickle.globals)
    )


def _environment_at_hand() -> bool:
    """Whether an environment is active or lies in `./.venv`, and is not the one this tool runs in."""
    import sys

    places = (os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX"), ".venv")
    own = {os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}
    return any(place and os.path.isdir(place) and os.path.realpath(place) not in own for place in places)


def _key(path: str) -> str:
    return os.path.normcase(os.path.abspath(path))

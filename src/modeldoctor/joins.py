"""Facts that join two worlds: a file under its target, a project's pins under what was asked, its code.

The engine asks for them once per project; what needs no join costs nothing here.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from modeldoctor.config import Config
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Subject

if TYPE_CHECKING:
    from modeldoctor.facts.verdict import Code, Loading
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
        self.default: ProjectFacts | None = None
        if config.project is not None:
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
        facts = self.projects[_key(path)] = self.read(path, shown)
        if self.default is None:
            self.default = facts
        if facts.skew is not None:
            yield Subject(shown, "project", facts.skew.state, facts.skew)
        if facts.source is not None:
            yield Subject(shown, "source", "understood", facts.source)

    def project_of(self, path: str) -> "ProjectFacts | None":
        """The nearest project around a file that was read in this run, else the one that was named."""
        folder = _key(path)
        while folder and folder not in self.projects and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        return self.projects.get(folder, self.default)

    def target(self, path: str) -> Target:
        """The environment that a file is judged for."""
        project = self.project_of(path)
        return self.config.target if project is None else project.target

    def joined(self, subject: Subject, path: str) -> Iterator[Subject]:
        """What the subject's facts tell together with the target; nothing where that cannot be more."""
        if not isinstance(subject.facts, Checkpoint) or subject.state != "understood":
            return
        target = self.target(path)
        if target.torch is None and _loads_everywhere(subject.facts):
            return
        from modeldoctor.predict.verdict import verdict

        project = self.project_of(path)
        loading, code = _in_project(project, subject.facts)
        found = verdict(subject.facts, target, loading, code)
        if found is not None:
            yield subject._replace(facts=found)


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

"""Projects from texts, without a disk."""

from modeldoctor.facts.pins import Flaw, Manifest, Requirements
from modeldoctor.readers.project.installations import assemble
from modeldoctor.readers.project.manifests import kind_of, parse


class Texts:
    """A project whose files are the values of a dict."""

    def __init__(self, files: dict[str, str]) -> None:
        self.flaws: list[Flaw] = []
        self.shown = "."
        self.single = False
        self.files = files
        self.paths = [path for path in files if kind_of(path)]

    def read(self, path: str, kind: str = "requirements") -> Manifest | None:
        if path not in self.files:
            return None
        return parse(self.files[path], path, kind_of(path) or kind)

    def named(self, path: str) -> str:
        return path


def project(**files: str) -> Requirements:
    """A project: `project(requirements="torch==2.1.0")`, or any names by `project(**{"a/Dockerfile": "…"})`."""
    short = {
        "requirements": "requirements.txt",
        "docker": "Dockerfile",
        "toml": "pyproject.toml",
        "conda": "environment.yml",
    }
    return assemble(Texts({short.get(name, name): text for name, text in files.items()}))

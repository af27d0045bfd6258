"""Shell scripts that install things: `install.sh`, `setup.sh`."""

from modeldoctor.facts.pins import Flaw, Manifest
from modeldoctor.readers.project.manifests import installs, shell


def read(text: str, path: str) -> Manifest:
    """The manifest of a shell script: its install commands in order, whatever branch they stand in."""
    flaws: list[Flaw] = []
    steps = [step for command in shell.commands(text, 1, {}) for step in installs.steps(command, path, flaws)]
    return Manifest(path, "shell", "understood", steps=tuple(steps), flaws=tuple(flaws))

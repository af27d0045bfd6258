"""Dockerfile: the base image of its final stage and the install commands that fill it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from modeldoctor.facts.pins import Flaw, Image, Manifest, Step
from modeldoctor.readers.project.manifests import installs, shell
from modeldoctor.readers.project.manifests.images import read_image

MAX_INSTRUCTIONS = 2000
MAX_STAGES = 100

_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)$", re.DOTALL)
_FROM = re.compile(r"(?:--platform=(\S+)\s+)?(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_COPY_FROM = re.compile(r"--from=(\S+)\s+(.*)$", re.DOTALL)
# What a stage copies when it takes the packages that another stage installed.
_PACKAGES = re.compile(
    r"site-packages|dist-packages|venv|/\.local|/usr/local(?:/|\s|$)|/opt/conda|/conda|/install\b|/wheels?\b|/deps\b"
    r"|/packages\b|/python\b|miniconda|micromamba|^/\s|\s/\s"
)


class Instruction(NamedTuple):
    """One instruction with continuations joined by newlines, so that places inside it keep their lines."""

    name: str
    text: str
    line: int


class Stage(NamedTuple):
    """One stage: its name, what it is built on, and its steps in order."""

    name: str
    image: Image
    parent: int | None
    steps: list[Step]


def read(text: str, path: str) -> Manifest:
    """The manifest of a Dockerfile."""
    reader = _Reader(path)
    for instruction in instructions(text):
        reader.take(instruction)
    return reader.manifest()


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile; comments and blank lines inside a continued one are dropped."""
    lines = text.splitlines()
    first = _ESCAPE.match(lines[0]) if lines else None
    escape = first[1] if first else "\\"
    number, count = 0, 0
    while number < len(lines) and count < MAX_INSTRUCTIONS:
        start = number
        parts: list[str] = []
        open_ = True
        while open_ and number < len(lines):
            line = lines[number].rstrip()
            number += 1
            if parts and (not line.strip() or line.lstrip().startswith("#")):
                parts.append("\\" if parts else "")  # keeps the count of lines
                continue
            open_ = line.endswith(escape)
            parts.append(line[:-1] + "\\" if open_ else line)
        body = "\n".join(parts)
        found = _INSTRUCTION.match(body)
        if found is None or body.lstrip().startswith("#"):
            number = start + 1
            continue
        for heredoc in _HEREDOC.finditer(body) if found[1].upper() in {"RUN", "COPY"} else ():
            end = next((at for at in range(number, len(lines)) if lines[at].strip() == heredoc[1]), len(lines) - 1)
            if found[1].upper() == "RUN":
                body = "\n".join([body.replace(heredoc[0], ""), *lines[number:end]])
                found = _INSTRUCTION.match(body) or found
            number = end + 1
        count += 1
        yield Instruction(found[1].upper(), found[2], start + 1)


class _Reader:
    """Walks the instructions, stage by stage."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.flaws: list[Flaw] = []
        self.stages: list[Stage] = []
        self.arguments: dict[str, str] = {}  # of the whole file: ARG before the first FROM
        self.variables: dict[str, str] = {}

    def take(self, instruction: Instruction) -> None:
        """One instruction."""
        match instruction.name:
            case "FROM":
                self.start(instruction)
            case "ARG" | "ENV":
                self.assign(instruction)
            case "RUN" if self.stages:
                self.run(instruction)
            case "COPY" | "ADD" if self.stages:
                self.copy(instruction)
            case _:
                pass

    def start(self, instruction: Instruction) -> None:
        """A new stage."""
        found = _FROM.match(_joined(instruction.text))
        if found is None or len(self.stages) >= MAX_STAGES:
            message = f"`FROM {instruction.text[:60]}` is not understood"
            self.flaws.append(Flaw("syntax", message, self.path, instruction.line))
            return
        reference = shell.substitute(found[2], self.arguments)
        if "$" in reference:
            message = f"`{reference[:80]}` depends on a build argument without a default; the base image is not known"
            self.flaws.append(Flaw("dynamic", message, self.path, instruction.line))
        parent = self.stage(reference)
        platform = "" if "$" in (found[1] or "") else found[1] or ""
        if parent is None:
            image = read_image(reference, self.path, instruction.line, platform=platform)
        else:
            image = self.stages[parent].image
        self.stages.append(Stage((found[3] or "").lower(), image, parent, []))
        self.variables = {}

    def stage(self, name: str) -> int | None:
        """The number of the stage that goes by this name or number."""
        for at, stage in enumerate(self.stages):
            if stage.name and stage.name == name.lower():
                return at
        return int(name) if name.isdecimal() and int(name) < len(self.stages) else None

    def assign(self, instruction: Instruction) -> None:
        """`ARG X=1`, `ENV A=1 B=2`, `ENV A 1`."""
        text = _joined(instruction.text)
        target = self.variables if self.stages else self.arguments
        if instruction.name == "ENV" and re.match(r"\w+\s+[^=\s]", text):
            name, _, value = text.partition(" ")
            target[name] = shell.substitute(value.strip(), self.known)
            return
        for found in re.finditer(r"(\w+)(?:=((?:\"[^\"]*\"|'[^']*'|\\.|[^\s\"'])*))?", text):
            if found[2] is not None:
                target[found[1]] = shell.expand(found[2], self.known)
            elif instruction.name == "ARG" and found[1] in self.arguments:
                target[found[1]] = self.arguments[found[1]]

    @property
    def known(self) -> dict[str, str]:
        """Variables that are filled in here."""
        return self.variables if self.stages else self.arguments

    def run(self, instruction: Instruction) -> None:
        """The install commands of a RUN, in shell or exec form."""
        text = instruction.text
        if text.lstrip().startswith("["):
            words = [shell.Word(word, instruction.line) for word in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]
            found = [words] if words else []
            if len(words) > 2 and words[1].text == "-c":
                found = list(shell.commands(words[2].text, instruction.line, dict(self.variables)))
        else:
            found = list(shell.commands(text, instruction.line, dict(self.variables)))
        for command in found:
            steps = list(installs.steps(command, self.path, self.flaws)) if command else []
            backend = self.variables.get("UV_TORCH_BACKEND")
            if backend:
                steps = [step._replace(options=(*step.options, f"torch-backend={backend}")) for step in steps]
            self.stages[-1].steps.extend(steps)

    def copy(self, instruction: Instruction) -> None:
        """`COPY --from=builder /opt/venv /opt/venv`: what the other stage installed is here too."""
        found = _COPY_FROM.match(_joined(instruction.text))
        source = self.stage(shell.substitute(found[1], self.variables)) if found else None
        if found and source is not None and _PACKAGES.search(found[2]):
            self.stages[-1].steps.extend(self.chain(source))

    def chain(self, number: int) -> list[Step]:
        """The steps of a stage and of those it is built on, first to last."""
        found: list[Step] = []
        at: int | None = number
        while at is not None:
            stage = self.stages[at]
            found = [*stage.steps, *found]
            at = stage.parent
        return found

    def manifest(self) -> Manifest:
        """The final stage."""
        if not self.stages:
            flaw = Flaw("syntax", "has no FROM instruction", self.path, fatal=True)
            return Manifest(self.path, "dockerfile", "not understood", flaws=(*self.flaws, flaw))
        state = "partly understood" if self.flaws else "understood"
        steps = tuple(self.chain(len(self.stages) - 1))
        image = self.stages[-1].image
        return Manifest(self.path, "dockerfile", state, None, steps, image, len(self.stages), tuple(self.flaws))


def _joined(text: str) -> str:
    """A continued instruction as one line."""
    return re.sub(r"\s*\\\n\s*", " ", text).strip()

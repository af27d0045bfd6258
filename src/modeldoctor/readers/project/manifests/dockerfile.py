"""Dockerfile: the base image of its final stage and the install commands that fill it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from modeldoctor.facts.pins import Flaw, Image, Index, Manifest, Step
from modeldoctor.readers.project.manifests import installs, shell
from modeldoctor.readers.project.manifests.images import read_image

MAX_INSTRUCTIONS = 2000
MAX_STAGES = 100

_ESCAPE = re.compile(r"#\s*escape\s*=\s*(\S)", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)[ \t]+(.*)$", re.DOTALL)
_FROM = re.compile(r"(?:--platform=(\S+)\s+)?(\S+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_SCRIPT = re.compile(r"\s*RUN\s+(?:--\S+\s+)*<<", re.IGNORECASE)
_COPY_FROM = re.compile(r"--from=(\S+)\s+(.*)$", re.DOTALL)
# Environment variables that pip and uv read (pip: PIP_<OPTION>), and the role of the index they name.
_INDEX_VARIABLES = {
    "PIP_INDEX_URL": "index", "UV_INDEX_URL": "index", "UV_DEFAULT_INDEX": "index",
    "PIP_EXTRA_INDEX_URL": "extra", "UV_EXTRA_INDEX_URL": "extra", "UV_INDEX": "extra", "PIP_FIND_LINKS": "find-links",
}  # fmt: skip
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
    number, count = 0, 0
    while number < len(lines) and count < MAX_INSTRUCTIONS:
        start = number
        if not lines[number].strip() or lines[number].lstrip().startswith("#"):
            number += 1
            continue
        body, number = _continued(lines, number, first[1] if first else "\\")
        found = _INSTRUCTION.match(body)
        if found is None:
            continue
        name = found[1].upper()
        if name in {"RUN", "COPY"}:
            body, number = _with_documents(body, lines, number)
            found = _INSTRUCTION.match(body) or found
        count += 1
        yield Instruction(name, found[2], start + 1)


def _continued(lines: list[str], number: int, escape: str) -> tuple[str, int]:
    """The text of an instruction that starts here, and the number of the line behind it."""
    parts: list[str] = []
    while number < len(lines):
        line = lines[number].rstrip()
        number += 1
        if parts and (not line.strip() or line.lstrip().startswith("#")):
            parts.append("\\")  # keeps the count of lines
            continue
        if not line.endswith(escape):
            parts.append(line)
            break
        parts.append(line[:-1] + "\\")
    return "\n".join(parts), number


def _with_documents(body: str, lines: list[str], number: int) -> tuple[str, int]:
    """An instruction with its here-documents: `RUN <<EOF` is a script, `RUN cat <<EOF` is input for a command."""
    script = _SCRIPT.match(body)
    for document in list(_HEREDOC.finditer(body))[:MAX_STAGES]:
        end = next((at for at in range(number, len(lines)) if lines[at].strip() == document[1]), len(lines) - 1)
        kept = lines[number:end] if script else lines[number : end + 1]
        body = "\n".join([body.replace(document[0], "") if script else body, *kept])
        number = end + 1
    return body, number


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
            if command:
                self.stages[-1].steps.extend(map(self.surrounded, installs.steps(command, self.path, self.flaws)))

    def surrounded(self, step: Step) -> Step:
        """A step with what environment variables add to it."""
        indexes = tuple(
            Index(
                url.partition("=")[2] if name == "UV_INDEX" and "=" in url.partition("://")[0] else url, role, self.path
            )
            for name, role in _INDEX_VARIABLES.items()
            if name.startswith("UV_") == (step.tool == "uv")
            for url in self.variables.get(name, "").split()
        )
        backend = self.variables.get("UV_TORCH_BACKEND") if step.tool == "uv" else None
        options = (f"torch-backend={backend}",) if backend else ()
        return step._replace(indexes=indexes + step.indexes, options=step.options + options)

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
    return " ".join(part.strip().removesuffix("\\").strip() for part in text.split("\n")).strip()

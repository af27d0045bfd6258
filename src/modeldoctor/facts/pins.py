"""What a project says about the packages it installs: every statement with its file and line."""

from typing import NamedTuple


class Flaw(NamedTuple):
    """What was not understood of a manifest, or will not be understood by the tool that reads it.

    kind: `syntax` (not what the format says), `requirement` (one entry is invalid), `option` (a line that is silently
    ignored), `missing` (a file that is included but not there), `loop` (files that include each other), `limit` (we
    stopped reading), `encoding`, `dynamic` (computed when it runs, so not known here), `conflict` (left by a merge).
    `fatal`: the tool that reads the file stops here too.
    """

    kind: str
    message: str
    path: str
    line: int | None = None
    fatal: bool = False


class Index(NamedTuple):
    """Where packages are looked for. role: `index`, `extra`, `find-links` or `named` (only for pins that name it)."""

    url: str
    role: str
    path: str
    line: int | None = None
    name: str = ""


class Pin(NamedTuple):
    """One statement about one package.

    `name` is normalised (`python` stands for the interpreter, `cuda` for a CUDA version stated beside conda packages);
    `specifier` is PEP 440 text, `""` for any version; `text` is the entry as written. `version` is set when exactly
    one release is meant. `variant` is the build where the entry names it (`cu118`, `cpu`, `rocm6.2`). `origin` is the
    URL or the name of the index that this pin alone comes from. `group` is the extra or dependency group it belongs
    to. role: `requirement`, `constraint` (counts only for what is installed anyway), `locked` (a resolver's result),
    `installed`. `flaw` says why the specifier is invalid.
    """

    name: str
    specifier: str
    text: str
    path: str
    line: int | None = None
    version: str = ""
    variant: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    url: str = ""
    origin: str = ""
    group: str = ""
    role: str = "requirement"
    manager: str = "pip"
    flaw: str = ""

    @property
    def place(self) -> str:
        """`requirements.txt:3`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class Include(NamedTuple):
    """A file that is read with this one. `constraints`: by `-c`, it only limits versions."""

    target: str
    path: str
    line: int | None = None
    constraints: bool = False


class Image(NamedTuple):
    """A container base image, understood by the grammar of its tag.

    `family` names the grammar (`pytorch/pytorch`, `nvidia/cuda`, `python`, …; `""` unknown). `torch` may be a
    pre-release. `cuda` is the toolkit of the image. `device` is `cpu` or `gpu` where the tag says so. `os` is
    normalised (`ubuntu22.04`, `debian12`, `alpine`). `floating`: the tag will mean something else tomorrow.
    `platform` is that of `FROM --platform=`.
    """

    reference: str
    path: str
    line: int | None = None
    family: str = ""
    torch: str = ""
    cuda: str = ""
    python: str = ""
    device: str = ""
    os: str = ""
    floating: bool = False
    platform: str = ""

    @property
    def place(self) -> str:
        """`Dockerfile:1`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class Step(NamedTuple):
    """One install command or one manifest that is installed as a whole: its pins are resolved together.

    `tool` is `pip`, `uv`, `conda`, `poetry`, `pdm`, `pipenv` or `apt`. `includes` are the files that the command names
    (`-r`, `-c`), `project` is the folder whose own manifest or lock it installs (`pip install .`, `uv sync`).
    `options` are those that matter: `no-deps`, `no-index`, `upgrade`, `pre`, `torch-backend=auto`, `groups=dev,gpu`.
    """

    tool: str
    path: str
    line: int | None = None
    pins: tuple[Pin, ...] = ()
    indexes: tuple[Index, ...] = ()
    includes: tuple[Include, ...] = ()
    project: str = ""
    options: tuple[str, ...] = ()

    def option(self, name: str) -> str:
        """The value of an option, its own name for a flag, `""` when it is not given."""
        for text in self.options:
            key, _, value = text.partition("=")
            if key == name:
                return value or name
        return ""


class Manifest(NamedTuple):
    """One file that says what is installed.

    kind: `requirements`, `pyproject`, `setup.py`, `setup.cfg`, `pipfile`, `pipfile.lock`, `poetry.lock`, `uv.lock`,
    `pdm.lock`, `pylock`, `conda`, `conda-lock`, `dockerfile`, `shell`, `python-version`, `ci`.
    `state` is `understood`, `partly understood` or `not understood`. `step` holds the pins of a file that is installed
    as a whole; `steps` are the install commands of a Dockerfile (its final stage) or a script; `image` is the base of
    that stage. `stages` counts the stages of a Dockerfile. `aside`: it lies among tests, examples, training or
    other people's code, not in what serves.
    """

    path: str
    kind: str
    state: str = "understood"
    step: Step | None = None
    steps: tuple[Step, ...] = ()
    image: Image | None = None
    stages: int = 0
    flaws: tuple[Flaw, ...] = ()
    aside: bool = False


class Installation(NamedTuple):
    """Steps that fill one environment, in order: the last one wins.

    `name` is the file that it is known by; `rank` orders evidence, lower is stronger (a container file before a lock,
    a lock before requirements). `pythons` are statements about the interpreter, strongest first. `files` are all
    manifests that take part.
    """

    name: str
    kind: str
    rank: tuple[int, ...]
    steps: tuple[Step, ...]
    image: Image | None = None
    pythons: tuple[Pin, ...] = ()
    files: tuple[str, ...] = ()

    def pins(self, name: str) -> tuple[Pin, ...]:
        """Every statement about one package, in the order of the steps."""
        return tuple(pin for step in self.steps for pin in step.pins if pin.name == name)


class Requirements(NamedTuple):
    """What a folder, or one manifest, asks to be installed. `installations` come strongest first."""

    path: str
    manifests: tuple[Manifest, ...] = ()
    installations: tuple[Installation, ...] = ()
    flaws: tuple[Flaw, ...] = ()

    @property
    def main(self) -> Installation | None:
        """The environment that is taken for the one that serves."""
        return self.installations[0] if self.installations else None

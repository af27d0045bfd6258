"""Install commands (`pip install`, `uv sync`, `conda install`, …) → `Step`s, wherever the command stands."""

import re
from collections.abc import Iterator

from modeldoctor.facts.pins import Flaw, Include, Index, Pin, Step
from modeldoctor.readers.project.manifests import conda, entries
from modeldoctor.readers.project.manifests.shell import Word

_PIP = re.compile(r"pip(?:3(?:\.\d+)?|2(?:\.7)?)?(?:\.exe)?$")
_PYTHON = re.compile(r"python(3(?:\.\d+)?|2(?:\.7)?)?(?:\.exe)?$")
_CONDA = {"conda", "mamba", "micromamba"}
_LOCKERS = {"poetry", "pdm", "pipenv"}

_INDEX_ROLES = {
    "-i": "index", "--index-url": "index", "--default-index": "index", "--extra-index-url": "extra",
    "--index": "extra", "-f": "find-links", "--find-links": "find-links",
}  # fmt: skip
_FLAGS = {
    "--no-deps": "no-deps", "--no-index": "no-index", "-U": "upgrade", "--upgrade": "upgrade", "--pre": "pre",
    "--force-reinstall": "upgrade", "--no-dev": "no-dev", "--all-extras": "all-extras",
}  # fmt: skip
# Options of the tools above that are followed by a value.
_VALUED = {
    "-t", "--target", "--prefix", "--root", "--src", "--cache-dir", "--trusted-host", "--timeout", "--retries",
    "--proxy", "--python-version", "--platform", "--abi", "--implementation", "--progress-bar", "--log",
    "--no-binary", "--only-binary", "--use-feature", "--upgrade-strategy", "--python", "-p", "--resolution",
    "--prerelease", "--index-strategy", "--global-option", "--config-settings", "-C", "--keyring-provider",
    "--root-user-action", "-n", "--name", "--solver", "--override-channels-file", "--source", "--exists-action",
    "--exclude-newer", "--link-mode", "--project", "--directory", "--no-build-isolation-package",
    "--no-install-package", "--without", "--only", "--default-timeout",
}  # fmt: skip


def steps(words: list[Word], path: str, flaws: list[Flaw]) -> Iterator[Step]:
    """The step of one command; none when it installs nothing."""
    words = _unwrapped(words)
    if not words:
        return
    name = words[0].text.rsplit("/", 1)[-1]
    rest = words[1:]
    if _PYTHON.match(name) and [word.text for word in rest[:2]] == ["-m", "pip"]:
        name, rest = "pip", rest[2:]
    verb = next((word.text for word in rest if not word.text.startswith("-")), "")
    if _PIP.match(name):
        if verb in {"install", "wheel"}:
            yield _pip(_behind(rest, verb), path, "pip", words[0].line, flaws)
    elif name == "uv":
        yield from _uv(rest, verb, path, words[0].line, flaws)
    elif name in _CONDA:
        yield from _conda(rest, verb, path, words[0].line, flaws)
    elif name in _LOCKERS and verb in {"install", "sync", "add"}:
        yield _locker(_behind(rest, verb), path, name, verb, words[0].line)
    elif name in {"apt-get", "apt", "dnf", "yum"} and verb == "install":
        yield from _system(_behind(rest, verb), path, words[0].line)
    elif name == "pyenv" and verb in {"install", "global", "local"}:
        yield from _interpreter(_behind(rest, verb), "pyenv", path)


def _unwrapped(words: list[Word]) -> list[Word]:
    """Without a wrapper that runs the rest in an environment: `conda run -n x pip …`, `poetry run pip …`."""
    texts = [word.text for word in words]
    if len(texts) > 2 and texts[0].rsplit("/", 1)[-1] in _CONDA | _LOCKERS | {"uv"} and "run" in texts[:2]:
        inner = next((at for at, text in enumerate(texts) if _PIP.match(text.rsplit("/", 1)[-1])), None)
        return words[inner:] if inner is not None else words
    if texts[0] in {"bash", "sh", "/bin/bash", "/bin/sh"} and len(texts) > 2 and texts[1] in {"-c", "-lc", "-ec"}:
        return [Word(text, words[2].line) for text in texts[2].split()]
    return words


def _behind(words: list[Word], verb: str) -> list[Word]:
    position = next(at for at, word in enumerate(words) if word.text == verb)
    return words[position + 1 :]


class _Arguments:
    """The arguments of an install command, sorted."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.named: list[Word] = []
        self.indexes: list[Index] = []
        self.includes: list[Include] = []
        self.options: list[str] = []
        self.project = ""
        self.editable: list[Word] = []

    def read(self, words: list[Word]) -> None:
        """Sort the words."""
        rest = iter(words)
        for word in rest:
            name, joined, value = word.text.partition("=")
            if not word.text.startswith("-") or word.text == "-":
                self.named.append(word)
                continue
            if name in _FLAGS:
                self.options.append(_FLAGS[name])
                continue
            if not joined and (name in _INDEX_ROLES or name in _TAKES or name in _VALUED):
                value = next(rest, Word("", word.line)).text
            self.option(name, value, word)

    def option(self, name: str, value: str, word: Word) -> None:
        """One option with its value."""
        if name in _INDEX_ROLES:
            url = value.partition("=")[2] if name == "--index" and "=" in value and "://" in value else value
            self.indexes.append(Index(url, _INDEX_ROLES[name], self.path, word.line))
        elif name in {"-r", "--requirement", "--requirements"} or (name[:2] == "-r" and name != "-r"):
            self.includes.append(Include(value or name[2:], self.path, word.line))
        elif name in {"-c", "--constraint", "--constraints"}:
            self.includes.append(Include(value, self.path, word.line, constraints=True))
        elif name in {"-e", "--editable"}:
            self.editable.append(Word(value, word.line))
        elif name in {"--torch-backend", "--extra", "--group", "--with", "--extras", "-E", "-G"}:
            key = "torch-backend" if name == "--torch-backend" else "groups"
            values = [value] if key == "torch-backend" else value.replace(",", " ").split()
            self.options.extend(f"{key}={text}" for text in values)


_TAKES = {"-r", "--requirement", "--requirements", "-c", "--constraint", "--constraints", "-e", "--editable",
          "--torch-backend", "--extra", "--group", "--with", "--extras", "-E", "-G"}  # fmt: skip


def _pip(words: list[Word], path: str, tool: str, line: int, flaws: list[Flaw]) -> Step:
    arguments = _Arguments(path)
    arguments.read(words)
    pins = []
    for word in arguments.named + arguments.editable:
        text = word.text
        if word.redirect:
            flaws.append(_redirected(word, path))
        if text.startswith((".", "/", "~")) and not text.endswith((".whl", ".gz", ".zip")):
            arguments.project = arguments.project or text
            continue
        pin = entries.parse(text, path, word.line)
        if pin is None and text.endswith((".whl", ".gz", ".zip")):
            pin = entries.parse_url(text, text, path, word.line)
        if pin is not None:
            pins.append(pin)
    return Step(
        tool, path, line, tuple(pins), tuple(arguments.indexes), tuple(arguments.includes),
        arguments.project, tuple(arguments.options),
    )  # fmt: skip


def _redirected(word: Word, path: str) -> Flaw:
    """`pip install torch>=2.0` without quotes."""
    written = f"{word.text}{word.redirect}"
    if word.redirect.startswith("<"):
        message = f"`{written}` is not quoted: the shell reads from a file `{word.redirect[1:]}` and the command fails"
        return Flaw("option", message, path, word.line, fatal=True)
    message = (
        f"`{written}` is not quoted: only `{word.text}` is asked for, and the shell writes a file `{word.redirect[1:]}`"
    )
    return Flaw("option", message, path, word.line)


def _uv(words: list[Word], verb: str, path: str, line: int, flaws: list[Flaw]) -> Iterator[Step]:
    if verb == "pip":
        inner = _behind(words, verb)
        action = next((word.text for word in inner if not word.text.startswith("-")), "")
        if action == "install":
            yield _pip(_behind(inner, action), path, "uv", line, flaws)
        elif action == "sync":
            step = _pip(_behind(inner, action), path, "uv", line, flaws)
            files = [
                Include(word.text, path, word.line) for word in _behind(inner, action) if word.text.endswith("txt")
            ]
            yield step._replace(pins=(), includes=(*step.includes, *files))
    elif verb in {"sync", "add"}:
        yield _locker(_behind(words, verb), path, "uv", verb, line)
    elif verb in {"venv", "python"}:
        yield from _interpreter(_behind(words, verb), "uv", path)


def _locker(words: list[Word], path: str, tool: str, verb: str, line: int) -> Step:
    """`poetry install`, `uv sync`, `pdm add X`: what the project's own manifest or lock says, and what is added."""
    arguments = _Arguments(path)
    arguments.read(words)
    pins = [entries.parse(word.text, path, word.line) for word in arguments.named if verb == "add" or tool == "pipenv"]
    return Step(
        tool, path, line, tuple(pin for pin in pins if pin), tuple(arguments.indexes), tuple(arguments.includes),
        ".", tuple(arguments.options),
    )  # fmt: skip


def _conda(words: list[Word], verb: str, path: str, line: int, flaws: list[Flaw]) -> Iterator[Step]:
    if verb == "env":
        inner = _behind(words, verb)
        verb = next((word.text for word in inner if not word.text.startswith("-")), "")
    if verb not in {"install", "create", "update"}:
        return
    pins: list[Pin] = []
    indexes: list[Index] = []
    includes: list[Include] = []
    rest = iter(_behind(words, verb))
    for word in rest:
        name, _, value = word.text.partition("=") if word.text.startswith("--") else (word.text, "", "")
        if name in {"-c", "--channel", "-f", "--file", "-n", "--name", "-p", "--prefix"}:
            value = value or next(rest, Word("", word.line)).text
            if name in {"-c", "--channel"}:
                indexes.append(Index(value, "channel", path, word.line))
            elif name in {"-f", "--file"}:
                includes.append(Include(value, path, word.line))
        elif not name.startswith("-"):
            pins.extend(conda.spec(name, path, word.line))
            flaws.extend([_redirected(word, path)] if word.redirect else [])
    yield Step("conda", path, line, tuple(pins), tuple(indexes), tuple(includes))


def _system(words: list[Word], path: str, line: int) -> Iterator[Step]:
    """System packages matter for the interpreter they bring."""
    pins = []
    for word in words:
        found = re.match(r"python(3\.\d+)(?:-(?:dev|venv|full|distutils|minimal))?(?:=.*)?$", word.text)
        if found:
            pins.append(Pin("python", f"=={found[1]}.*", word.text, path, word.line, manager="apt"))
        elif re.match(r"python3(?:-(?:dev|pip|venv|full))?(?:=.*)?$", word.text):
            pins.append(Pin("python", "", word.text, path, word.line, manager="apt"))
    if pins:
        yield Step("apt", path, line, tuple(pins))


def _interpreter(words: list[Word], tool: str, path: str) -> Iterator[Step]:
    """`uv venv --python 3.11`, `uv python install 3.11`, `pyenv global 3.9.7`."""
    for word in words:
        found = re.fullmatch(r"(?:--python=|-p)?(?:cpython-?|python)?(3\.\d+)(?:\.(\d+))?", word.text)
        if found:
            specifier = f"=={found[1]}.{found[2]}" if found[2] else f"=={found[1]}.*"
            pin = Pin("python", specifier, word.text, path, word.line, manager=tool)
            yield Step(tool, path, word.line, (pin,))
            return

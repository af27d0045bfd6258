"""requirements.txt and constraint files, as pip reads them (pip/_internal/req/req_file.py)."""

import re
import shlex
from collections.abc import Iterator

from modeldoctor.facts.pins import Flaw, Include, Index, Manifest, Pin, Step
from modeldoctor.readers.project.manifests import entries
from modeldoctor.readers.project.manifests.text import MAX_ENTRIES, MAX_LINE

_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")
_OPTION = re.compile(r"\s(--?[A-Za-z][\w-]*)")

_INDEX_ROLES = {
    "-i": "index", "--index-url": "index", "--pypi-url": "index", "--default-index": "index",
    "--extra-index-url": "extra", "--index": "extra", "-f": "find-links", "--find-links": "find-links",
}  # fmt: skip
_FLAGS = {
    "--no-index": "no-index", "--pre": "pre", "--no-deps": "no-deps", "-U": "upgrade", "--upgrade": "upgrade",
}  # fmt: skip
# Known, and without consequence for what is judged here. True: takes a value.
_OTHER = {
    "--trusted-host": True, "--no-binary": True, "--only-binary": True, "--use-feature": True, "--prefer-binary": False,
    "--require-hashes": False, "--process-dependency-links": False, "-Z": False, "--always-unzip": False,
    "--config-settings": True, "--global-option": True, "--install-option": True, "--hash": True, "-C": True,
    "--retries": True, "--timeout": True, "--use-pep517": False, "--no-use-pep517": False, "--proxy": True,
}  # fmt: skip
# Those that may stand on a line behind a requirement (pip/_internal/req/req_file.py, SUPPORTED_OPTIONS_REQ).
_PER_REQUIREMENT = {"--hash", "--global-option", "--install-option", "--config-settings", "-C"}


def read(text: str, path: str, *, constraints: bool = False) -> Manifest:
    """The manifest of a requirement file."""
    collector = _Collector(path, "constraint" if constraints else "requirement")
    for line, content in logical_lines(text):
        collector.add(line, content)
    collector.flaws.extend(_merge_marks(text, path))
    return collector.manifest("constraints" if constraints else "requirements")


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined and comments dropped, each with the number of its first line."""
    first, parts = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        is_comment = line.lstrip().startswith("#")
        if parts and is_comment:
            line = ""  # noqa: PLW2901 - pip drops a comment inside a continuation the same way
        first = first or number
        if line.endswith("\\") and not is_comment:
            parts += line[:-1]
            if len(parts) > MAX_LINE:
                break
            continue
        content = without_comment((parts + line)[:MAX_LINE])
        if content:
            yield first, content
        first, parts = 0, ""
    if parts.strip():
        yield first, without_comment(parts[:MAX_LINE])


def without_comment(line: str) -> str:
    """A line without what stands behind a `#` at its start or behind a space (pip: COMMENT_RE, but in linear time)."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return (line if at < 0 else line[:at]).strip()


def _merge_marks(text: str, path: str) -> Iterator[Flaw]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            yield Flaw("conflict", f"a merge left `{line[:40]}` here", path, number, fatal=True)


class _Collector:
    """What the lines of one file add up to."""

    def __init__(self, path: str, role: str) -> None:
        self.path = path
        self.role = role
        self.pins: list[Pin] = []
        self.indexes: list[Index] = []
        self.includes: list[Include] = []
        self.options: list[str] = []
        self.flaws: list[Flaw] = []
        self.project = ""

    def add(self, line: int, content: str) -> None:
        """Take one logical line."""
        if content.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            return
        if len(self.pins) >= MAX_ENTRIES:
            if len(self.pins) == MAX_ENTRIES:
                self.flaws.append(
                    Flaw("limit", f"more than {MAX_ENTRIES} entries; the rest was not read", self.path, line)
                )
            return
        requirement, options = split_options(content)
        if requirement:
            self.requirement(line, requirement, options)
        else:
            self.option_line(line, options)

    def requirement(self, line: int, text: str, options: list[str]) -> None:
        """A requirement with the options behind it."""
        for option in options:
            name = option.partition("=")[0]
            if name.startswith("-") and name not in _PER_REQUIREMENT:
                message = f"pip ignores `{name}` behind a requirement, uv refuses the line; give it a line of its own"
                self.flaws.append(Flaw("option", message, self.path, line))
                break
        if text.startswith((".", "/")) or re.match(r"[A-Za-z]:[\\/]", text):
            self.local(text, line)
            return
        pin = entries.parse(text, self.path, line, role=self.role)
        if pin is None:
            if not re.match(r"(?:[a-z+]+://|file:|\S*\$\{)", text):
                self.flaws.append(Flaw("requirement", f"`{text[:80]}` is no requirement", self.path, line, fatal=True))
            return
        self.pins.append(pin)

    def local(self, text: str, line: int) -> None:
        """A folder or a file beside the requirements."""
        pin = entries.parse_url(text, text, self.path, line) if text.endswith((".whl", ".gz", ".zip")) else None
        if pin is not None:
            self.pins.append(pin)
        elif not self.project:
            self.project = text

    def option_line(self, line: int, options: list[str]) -> None:
        """A line that only holds options."""
        position = 0
        while position < len(options):
            name, joined, value = options[position].partition("=")
            position += 1
            takes = name in _INDEX_ROLES or name in {"-r", "--requirement", "-c", "--constraint", "-e", "--editable"}
            if (takes or _OTHER.get(name)) and not joined and position < len(options):
                value = options[position]
                position += 1
            self.option(line, name, value)

    def option(self, line: int, name: str, value: str) -> None:
        """One option of a line of its own."""
        if name in _INDEX_ROLES:
            self.indexes.append(Index(value, _INDEX_ROLES[name], self.path, line))
        elif name in {"-r", "--requirement", "-c", "--constraint"}:
            constraints = self.role == "constraint" or name in {"-c", "--constraint"}
            self.includes.append(Include(value, self.path, line, constraints))
        elif name in {"-e", "--editable"}:
            pin = None if value.startswith(".") else entries.parse(value, self.path, line, role=self.role)
            if pin is not None:
                self.pins.append(pin)
            elif not self.project:
                self.project = value
        elif name in _FLAGS:
            self.options.append(_FLAGS[name])
        elif name.startswith("-") and name not in _OTHER:
            # `-r` and friends may be glued to their value: `-rbase.txt`.
            if name[:2] in {"-r", "-c", "-i", "-f", "-e"} and not name.startswith("--"):
                self.option(line, name[:2], name[2:] + ("=" + value if value else ""))
            else:
                self.flaws.append(Flaw("option", f"`{name}` is no option of pip", self.path, line, fatal=True))

    def manifest(self, kind: str) -> Manifest:
        """The result."""
        step = Step(
            "pip", self.path, None, tuple(self.pins), tuple(self.indexes), tuple(self.includes),
            self.project, tuple(self.options),
        )  # fmt: skip
        flaws = tuple(self.flaws)
        state = "partly understood" if flaws else "understood"
        if flaws and not self.pins and not self.includes:
            state = "not understood"
        return Manifest(self.path, kind, state, step, flaws=flaws)


def split_options(content: str) -> tuple[str, list[str]]:
    """The requirement of a line and the options behind it (pip: break_args_options)."""
    content = _VARIABLE.sub(lambda found: found[0], content)
    if content.startswith("-"):
        return "", _shell_words(content)
    found = _OPTION.search(content)
    if found is None:
        return content, []
    return content[: found.start()].strip(), _shell_words(content[found.start() :])


def _shell_words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an open quote
        return text.split()

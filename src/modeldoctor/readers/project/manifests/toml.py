"""TOML with line numbers, one statement at a time, so that a broken line does not hide the rest.

`tomllib` gives neither lines nor partial results, and takes seconds for the lock file of a large project. The
statements are cut here; what is asked for is then parsed by `tomllib`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from modeldoctor.facts.pins import Flaw

# A statement with more lines is not one that a manifest holds (the longest list of wheels seen has some 100).
MAX_STATEMENT_LINES = 5000
MAX_DEPTH = 32

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_PART}(?:\s*\.\s*{_PART})*)\s*(\]\]?)\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*=\s*")
_KEY_PART = re.compile(_PART)
_TOKEN = re.compile(r'"""|\'\'\'|"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[\[\]{}]')
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'([^\'\n]*)\'|#[^\n]*')


class Statement(NamedTuple):
    """`key = value` in a table. `element` numbers the members of an array of tables of that name, from 0."""

    table: tuple[str, ...]
    element: int
    key: tuple[str, ...]
    raw: str
    line: int

    @property
    def path(self) -> tuple[str, ...]:
        """The whole dotted path: table and key."""
        return self.table + self.key


def statements(lines: Iterable[str], path: str, flaws: list[Flaw]) -> Iterator[Statement]:
    """The statements of a TOML text; what is none goes to `flaws`."""
    table: tuple[str, ...] = ()
    counts: dict[tuple[str, ...], int] = {}
    index = -1
    numbered = iter(enumerate(lines, 1))
    for number, line in numbered:
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        header = _HEADER.match(line)
        if header:
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = index = counts.get(table, -1) + 1
            else:
                index = _enclosing(table, counts)
            continue
        key = _KEY.match(line)
        if key is None:
            flaws.append(_unclear(bare, path, number))
            continue
        raw, complete = _value(line[key.end() :], numbered)
        if not complete:
            flaws.append(Flaw("syntax", f"the value of `{key[1][:40]}` does not end", path, number, fatal=True))
        yield Statement(table, index, _parts(key[1]), raw, number)


def _enclosing(table: tuple[str, ...], counts: dict[tuple[str, ...], int]) -> int:
    """`[package.metadata]` below `[[package]]` belongs to the package that came last."""
    for length in range(len(table) - 1, 0, -1):
        if table[:length] in counts:
            return counts[table[:length]]
    return -1


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _KEY_PART.findall(dotted))


def _unclear(bare: str, path: str, number: int) -> Flaw:
    if bare.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return Flaw("conflict", f"a merge left `{bare[:40]}` here", path, number, fatal=True)
    return Flaw("syntax", f"`{bare[:60]}` is not TOML", path, number, fatal=True)


def _value(first: str, rest: Iterator[tuple[int, str]]) -> tuple[str, bool]:
    """The text of a value that starts here, over as many lines as it needs, and whether it ended."""
    parts = [first]
    depth, quote = _balance(first, 0, "")
    while (depth > 0 or quote) and len(parts) < MAX_STATEMENT_LINES:
        number, line = next(rest, (0, ""))
        if not number:
            return "\n".join(parts), False
        parts.append(line.rstrip("\n"))
        depth, quote = _balance(line, depth, quote)
        if depth > MAX_DEPTH:
            return "\n".join(parts), False
    return "\n".join(parts), depth <= 0 and not quote


def _balance(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Depth of brackets and the open multi-line quote (`\"\"\"`, `'''` or none) behind a line."""
    if not quote and "'" not in line and "\\" not in line and '"""' not in line and "#" not in line:
        # By far the most lines of a lock file; what stands in quotes is every second piece.
        bare = line if '"' not in line else "".join(line.split('"')[::2])
        return depth + bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}"), ""
    position = 0
    while True:
        if quote:
            end = line.find(quote, position)
            if end < 0:
                return depth, quote
            position, quote = end + 3, ""
        token = _TOKEN.search(line, position)
        if token is None:
            return depth, quote
        position = token.end()
        if token[0] in {'"""', "'''"}:
            quote = token[0]
        elif token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1


def value(statement: Statement) -> Any:
    """The value, parsed; None when it is not valid TOML."""
    raw = statement.raw.strip()
    if raw[:1] == '"' and raw[-1:] == '"' and "\\" not in raw and raw.count('"') == 2:
        return raw[1:-1]  # the usual case of a lock file, without the parser
    import tomllib

    try:
        return tomllib.loads(f"v = {raw}")["v"]
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return None


def strings(statement: Statement) -> list[tuple[str, int]]:
    """The strings in a list, each with its line. For lists of plain strings; nested values are not told apart."""
    found = []
    line, seen = statement.line, 0
    for match in _STRING.finditer(statement.raw):
        if match[0].startswith("#"):
            continue
        line += statement.raw.count("\n", seen, match.start())
        seen = match.start()
        text = match[1] if match[1] is not None else match[2]
        found.append((text.replace('\\"', '"').replace("\\\\", "\\"), line))
    return found

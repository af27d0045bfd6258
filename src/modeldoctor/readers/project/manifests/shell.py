"""Shell text → commands as lists of words with their lines. Nothing is run; what is computed stays as written."""

import re
from collections.abc import Iterator
from typing import NamedTuple

# Commands of one script; what is beyond is not read.
MAX_COMMANDS = 5000
MAX_WORDS = 2000

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f]+|\\\r?\n|`\n)"""
    r"""|(?P<heredoc><<-?\s*(?P<quote>["']?)(?P<end>\w+)(?P=quote))"""
    r"""|(?P<redirect>\d?(?:>>|>&|<&|<<<|>|<)&?)"""
    r"""|(?P<operator>&&|\|\||;;|[;|&()\n])"""
    r"""|(?P<comment>\#[^\n]*)"""
    r"""|(?P<word>(?:\$\{[^}\n]*\}|\$\([^()\n]*\)|"(?:[^"\\]|\\.)*"|'[^']*'|\\[^\n]|[^\s;|&()<>"'\\])+)"""
    r"""|(?P<other>.)""",
    re.DOTALL,
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::?([-+])([^}]*))?\}|(\w+))")
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|\\(.)|([^'\"\\]+)", re.DOTALL)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)$", re.DOTALL)

# Words before a command that don't change what it installs.
_PREFIXES = {
    "sudo",
    "then",
    "else",
    "do",
    "if",
    "while",
    "!",
    "{",
    "time",
    "exec",
    "nohup",
    "command",
    "env",
    "set",
    "RUN",
}


class Word(NamedTuple):
    """One word as the command gets it, where it stands, and the target of a redirection glued to it.

    `torch>=2` without quotes reaches pip as `torch`; its `redirect` is `>=2`.
    """

    text: str
    line: int
    redirect: str = ""


def commands(text: str, line: int, variables: dict[str, str]) -> Iterator[list[Word]]:
    """The simple commands of a script, in order. Assignments go to `variables` and are filled in behind them."""
    words: list[Word] = []
    target = ""
    glued = False
    count = 0
    for kind, token, number in _tokens(text, line):
        if kind == "word":
            filled = expand(token, variables)
            if target:
                if words and glued:
                    words[-1] = words[-1]._replace(redirect=target + filled)
                target = ""
            elif len(words) < MAX_WORDS:
                words.append(Word(filled, number))
            glued = True
        elif kind == "redirect":
            # `2>&1` and `> file` have nothing to do with the word before; `torch>=2` has.
            glued = glued and token in {">", "<"}
            target = token
        elif kind == "space":
            glued = bool(target) and glued
        elif kind == "operator":
            yield from _finished(words, variables)
            words, target, glued = [], "", False
            count += 1
            if count >= MAX_COMMANDS:
                return
    yield from _finished(words, variables)


def _tokens(text: str, line: int) -> Iterator[tuple[str, str, int]]:
    """Kind, text and line of each token; the body of a here-document is left out."""
    position, counted = 0, 0
    start = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return
        line += text.count("\n", counted, position)
        counted = position
        kind = match.lastgroup if match.lastgroup in {"space", "redirect", "operator", "comment", "word"} else "other"
        if match["heredoc"]:
            end = re.compile(rf"^[ \t]*{re.escape(match['end'])}[ \t]*$", re.MULTILINE).search(text, match.end())
            position = end.end() if end else len(text)
            continue
        if kind == "comment" and not start:
            kind = "word"  # a `#` inside a word
        position = match.end()
        # A comment starts at the beginning of a word only.
        start = kind in {"space", "operator"}
        yield kind, match[0], line


def _finished(words: list[Word], variables: dict[str, str]) -> Iterator[list[Word]]:
    """The command without assignments and prefixes; what it assigns is remembered."""
    while words:
        assignment = _ASSIGNMENT.match(words[0].text)
        if words[0].text in {"export", "local", "declare"}:
            words = words[1:]
            for word in words:
                if found := _ASSIGNMENT.match(word.text):
                    variables[found[1]] = found[2]
            return
        if assignment:
            variables[assignment[1]] = assignment[2]
        elif words[0].text not in _PREFIXES and not words[0].text.startswith("--mount="):
            break
        words = words[1:]
    if words:
        yield words


def expand(token: str, variables: dict[str, str]) -> str:
    """A word with quotes removed and known variables filled in; unknown ones stay as they are written."""
    parts = []
    for found in _QUOTED.finditer(token):
        single, double, escaped, bare = found.groups()
        if single is not None:
            parts.append(single)
        elif escaped is not None:
            parts.append(escaped)
        else:
            text = double if double is not None else bare
            parts.append(substitute(text.replace('\\"', '"') if double else text or "", variables))
    return "".join(parts)


def substitute(text: str, variables: dict[str, str]) -> str:
    """Known `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` filled in."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[4]
        known = variables.get(name)
        if found[2] == "-":
            return known or found[3]
        if found[2] == "+":
            return found[3] if known else ""
        return found[0] if known is None else known

    return _VARIABLE.sub(value, text)

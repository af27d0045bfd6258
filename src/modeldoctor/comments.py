"""Comments that suppress: `# modeldoctor: ignore[MDR501] reason` at a line, `ignore-file[…]` for the file.

They work wherever `#` begins a comment: Python, Dockerfiles, YAML, requirements, TOML, shell.
"""

import re
from collections.abc import Iterator

from modeldoctor.excerpts import lines_of
from modeldoctor.facts.suppression import Suppression

# What must stand in a text for it to be looked at more closely.
MARK = "modeldoctor:"

# Python of more characters was written by no hand, and splitting it into tokens takes seconds.
_TOKENS_LIMIT = 1 << 20

_COMMENT = re.compile(r"(?:^|(?<=[\s;,)\]}\"'\\]))#\s*modeldoctor:\s*(\S.*)$")
_DIRECTIVE = re.compile(r"(ignore-file|ignore)(?:\[([^\]]*)\])?(?![\w-])\s*[-:–—]*\s*(.*)$")
# Beginnings that are meant as one of these; other comments with our name are prose.
_MEANT = re.compile(r"(?i)ign|noqa|disable|suppress|skip|allow|nosec")


def suppressions(path: str) -> Iterator[Suppression]:
    """The comments of one text, in order; those that are no known form have a `problem`."""
    lines = lines_of(path)
    if not any(MARK in line for line in lines):
        return
    real = _comment_starts(lines) if path.endswith((".py", ".pyi")) else None
    for number, text in enumerate(lines, 1):
        found = _COMMENT.search(text.rstrip("\r")) if MARK in text else None
        if found and (real is None or real.get(number, len(text)) <= found.start()) and _MEANT.match(found[1]):
            yield _parsed(path, number, found.start() + 1, found[1].strip())


def _parsed(path: str, line: int, column: int, text: str) -> Suppression:
    form = _DIRECTIVE.match(text)
    codes = tuple(filter(None, (code.strip() for code in (form[2] or "").split(",")))) if form else ()
    kind = "file" if form and form[1] == "ignore-file" else "inline"
    problem = ""
    if form is None:
        problem = f"`{text.split(maxsplit=1)[0][:60]}` is not `ignore[CODE]` or `ignore-file[CODE]`"
    elif not codes:
        problem = f"`{form[1]}` names no rule: `{form[1]}[CODE]`"
    return Suppression(kind, path, line, codes, column, reason=form[3] if form else "", problem=problem)


def _comment_starts(lines: tuple[str, ...]) -> dict[int, int] | None:
    """Lines of Python source with the column, from 0, where a comment begins; None when it has no tokens."""
    import tokenize

    if sum(map(len, lines)) > _TOKENS_LIMIT:
        return None
    source = iter([f"{line}\n" for line in lines])
    try:
        tokens = tokenize.generate_tokens(lambda: next(source, ""))
        return {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return None


def lines_meant(suppression: Suppression) -> int | None:
    """The line that a comment is about: its own, or the next with content when nothing but the comment stands there."""
    lines = lines_of(suppression.path)
    line = suppression.line or 0
    if not lines[line - 1].lstrip().startswith("#"):
        return line
    for number in range(line + 1, len(lines) + 1):
        text = lines[number - 1].strip()
        if text and not text.startswith("#"):
            return number
    return None

"""Decisions not to be told of a finding: comments in the source, entries of the configuration, a baseline."""

from typing import NamedTuple

# So long before it ends a suppression is announced, in days.
NOTICE_DAYS = 14


class Suppression(NamedTuple):
    """One decision, and what became of it in this run.

    kind: `inline` (a comment at a line), `file` (a comment for its file), `config` (an entry with a pattern for paths),
    `baseline` (an entry of the baseline file). `path` and `line` are where it is written; `pattern` is what `config`
    applies to. `codes` are codes, prefixes or slugs as written. `until` is the last day (ISO 8601) and `days_left`
    counts to it, negative when it has passed. `used` counts the findings it hid, or would hide had it not expired; None
    when this run did not look at what it is about. `problem` says why it can't be understood; then it hides nothing.
    """

    kind: str
    path: str
    line: int | None
    codes: tuple[str, ...]
    column: int | None = None
    pattern: str = ""
    reason: str = ""
    until: str = ""
    days_left: int | None = None
    used: int | None = None
    problem: str = ""

    @property
    def source(self) -> str:
        """Where it is written: `shop/views.py:14`, `pyproject.toml:9`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    @property
    def expired(self) -> bool:
        """Whether its last day has passed."""
        return self.days_left is not None and self.days_left < 0

"""What a rule says (`Hit`), what the engine makes of it (`Finding`), and the `Report` that reporters print."""

from enum import IntEnum
from typing import Any, NamedTuple


class Severity(IntEnum):
    """How bad the consequence is; ordered, so that thresholds are inclusive comparisons."""

    INFO = 1
    WARNING = 2
    ERROR = 3

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(IntEnum):
    """How sure the rule is that the consequence follows."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Where(NamedTuple):
    """A place: a line of a text file, or a byte of a member of a binary one.

    `path` is a real file or folder with `/` separators, relative to the working directory where it lies below it.
    `member` is a record inside it (`archive/data.pkl`; nested containers are joined with `!`:
    `weights.pt!archive/data.pkl`). Lines and columns start at 1, `byte` (offset inside the member) at 0.
    """

    path: str
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None
    member: str | None = None
    byte: int | None = None


class Related(NamedTuple):
    """Another place that a finding is about, and what happens there."""

    where: Where
    message: str


class Hit(NamedTuple):
    """What a rule yields. The engine adds code, severity, default place and fingerprint.

    `message` starts in lower case, has no full stop, names the thing in backticks.
    `notes` are labelled lines under the message: `(("needs", "shop.nets.Net, …"), ("seen as", "AttributeError: …"))`.
    `key` is what keeps the fingerprint stable when the wording changes (a class name, a record); default: none.
    """

    message: str
    where: Where | None = None
    fix: str | None = None
    notes: tuple[tuple[str, str], ...] = ()
    related: tuple[Related, ...] = ()
    severity: Severity | None = None
    confidence: Confidence | None = None
    key: str = ""
    data: dict[str, Any] | None = None  # extra machine-readable fields for JSON, e.g. {"phase": "load"}


class Unjudged(NamedTuple):
    """Yielded by a rule instead of a `Hit`: it could not judge this fact, and why. `path` is for files inside it."""

    reason: str
    path: str | None = None


class Finding(NamedTuple):
    """A `Hit` with everything a reporter needs.

    `suppressed` says who hid it: `kind` (inline, file, config, baseline), `source`, and `reason` and `until` if given.
    `snippet` are the numbered lines that it is about, unaltered: reporters make them harmless.
    """

    code: str
    name: str
    severity: Severity
    confidence: Confidence
    message: str
    where: Where
    fix: str | None
    notes: tuple[tuple[str, str], ...]
    related: tuple[Related, ...]
    url: str
    fingerprint: str
    suppressed: dict[str, str] | None = None
    data: dict[str, Any] | None = None
    key: str = ""
    snippet: tuple[tuple[int, str], ...] = ()


class Skip(NamedTuple):
    """A rule that did not run, or a file that was not checked, and why: never confused with *clean*."""

    code: str | None
    path: str
    reason: str


class Failure(NamedTuple):
    """The job could not be done: a crashed rule, a bad option, a missing path. Makes the exit code 2."""

    message: str
    path: str | None = None
    code: str | None = None
    traceback: str | None = None


class Subject(NamedTuple):
    """One examined target with its facts: what the report shows before the findings.

    `state` is one of `understood`, `not understood`, `unreadable`, `not checked`.
    """

    path: str
    kind: str
    state: str
    facts: Any


class Report(NamedTuple):
    """The result of a run, sorted, ready to print.

    `rules_run` counts rules that ran on at least one fact, `hidden` findings below the severity that is shown.
    `notices` are for the user's configuration, such as rules that were renamed; `baseline` holds the entries of the
    baseline that are still needed. `chosen` says per project (its path; `""` for all files) how its target was chosen.
    """

    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]
    skips: tuple[Skip, ...]
    failures: tuple[Failure, ...]
    target: Any
    fail_on: Severity | None
    rules_run: int = 0
    seconds: float = 0.0
    hidden: int = 0
    notices: tuple[str, ...] = ()
    baseline: tuple[Any, ...] = ()
    chosen: tuple[tuple[str, Any], ...] = ()

    def failing(self) -> int:
        """How many unsuppressed findings are at or above `fail_on`."""
        if self.fail_on is None:
            return 0
        return sum(1 for finding in self.findings if finding.suppressed is None and finding.severity >= self.fail_on)

    def exit_code(self) -> int:
        """2 if the job could not be done, 1 if the gate fails, else 0. No output format changes it."""
        if self.failures:
            return 2
        return 1 if self.failing() else 0

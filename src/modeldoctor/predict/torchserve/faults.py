"""A fault of an archive: what the server does because of it, and when."""

from typing import Any, NamedTuple

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Confidence, Severity

# What the server answers when it is not 200: J/http/HttpRequestHandler.java, J/util/ApiUtils.java, ts/service.py.
REFUSED, FORBIDDEN, CONFLICT, BROKEN, FAILED = 400, 403, 409, 500, 503

LOGS = "logs/model_log.log and logs/ts_log.log under the folder that torchserve was started in"


class Fault(NamedTuple):
    """One thing that is wrong. `kind` names the rule that tells it.

    `phase` is the call that fails: `register` (also at start-up), `load` (a worker starts), `infer` (a request),
    `""` when none does. `stops_server`: with `--models` at start-up the whole process ends. `member` and `line` are the
    place. `seen` is the line that a user meets. `named`: phase and answer when the call names
    the model, as start-up does.
    """

    kind: str
    message: str
    fix: str
    severity: Severity = Severity.ERROR
    phase: str = ""
    http: int | None = None
    member: str | None = None
    line: int | None = None
    seen: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    confidence: Confidence = Confidence.HIGH
    key: str = ""
    stops_server: bool = False
    named: tuple[str, int | None] | None = None


def starts_workers(archive: Archive) -> tuple[int, int] | None:
    """The pair of workers with which the register call starts them itself; None when it starts none.

    J/util/ApiUtils.java, handleRegister; the setters of archive/model/ModelConfig.java.
    """
    config = archive.config.frontend if archive.config else None
    if not isinstance(config, dict):
        return None
    least, most = _integer(config.get("minWorkers")), _integer(config.get("maxWorkers"))
    if least is None or most is None:
        return None
    least = max(1, least)
    return (least, most) if most >= least else None


def _integer(value: Any) -> int | None:
    """A Java Integer: SnakeYAML makes larger numbers Long."""
    return value if type(value) is int and -(1 << 31) <= value < 1 << 31 else None


def at_load(archive: Archive) -> tuple[str, int]:
    """The call that fails when a worker cannot start: the one that scales, or register when that starts workers."""
    return ("register" if starts_workers(archive) else "load"), BROKEN

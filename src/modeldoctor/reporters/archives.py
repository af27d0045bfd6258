"""What the server will do with a TorchServe archive, call by call, from the findings about it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Finding, Severity
from modeldoctor.predict.torchserve.faults import starts_workers
from modeldoctor.wording import count, quoted

CALLS = (("start-up", "start"), ("register", "register"), ("load", "worker"), ("infer", "request"))


class Answer(NamedTuple):
    """A call to the server. `http` None: not reached, or never asked; `text` says what happens."""

    call: str
    http: int | None
    text: str


def outlook(archive: Archive, findings: Iterable[Finding]) -> tuple[Answer, ...]:
    """The calls in order, each with its answer; what comes after a failure is not reached."""
    first = _first(archive, findings)
    pair = starts_workers(archive)
    registered = (
        f"registered, and starts {count(pair[0], 'worker')} at once" if pair else "registered, without a worker"
    )
    fine = {"register": registered, "load": "loads", "infer": "nothing found that stops it"}
    answers = []
    failed = False
    for phase, call in CALLS:
        finding = first.get(phase)
        if phase == "start-up" and finding is None:
            continue
        if failed:
            answers.append(Answer(call, None, "not reached"))
        elif finding is not None:
            answers.append(Answer(call, (finding.data or {}).get("http"), f"fails: {finding.message}"))
            failed = phase != "start-up"
        else:
            answers.append(Answer(call, 200, fine[phase]))
    return tuple(answers)


def _first(archive: Archive, findings: Iterable[Finding]) -> dict[str, Finding]:
    """The first error of each phase that is about this archive."""
    first: dict[str, Finding] = {}
    for finding in findings:
        path = finding.where.path
        data = finding.data or {}
        phase = data.get("phase") if "http" in data else None  # what the rules about files say has no call
        about = path == archive.path or path.startswith(f"{archive.path}/")
        if about and phase and finding.severity is Severity.ERROR and finding.suppressed is None:
            first.setdefault(phase, finding)
    return first


def title(archive: Archive) -> str:
    """`TorchServe archive m 1.0, handler handler.py, model.pt`."""
    model = archive.model
    name = " ".join(quoted(str(model[key])) for key in ("modelName", "modelVersion") if model.get(key))
    parts = [
        f"TorchServe archive {name}".strip(),
        f"handler {quoted(archive.handler)}" if archive.handler else "no handler",
    ]
    weights = archive.worker_model.get("serializedFile")
    return ", ".join([*parts, quoted(weights)] if isinstance(weights, str) else parts)


def in_one_line(archive: Archive, findings: Iterable[Finding]) -> str:
    """`register 200, worker 500, request not reached`."""
    return ", ".join(f"{answer.call} {answer.http or 'not reached'}" for answer in outlook(archive, findings))


def in_a_word(archive: Archive, findings: Iterable[Finding]) -> str:
    """`serves`, or the first call that fails: `worker 500`."""
    failing = [answer for answer in outlook(archive, findings) if answer.text.startswith("fails")]
    return f"{failing[0].call} {failing[0].http}" if failing else "serves"


def as_json(archive: Archive, findings: Iterable[Finding]) -> dict[str, Any]:
    """The facts of an archive in a report."""
    model = archive.model
    return {
        "container": archive.container,
        "members": len(archive.members),
        "model_name": model.get("modelName"),
        "model_version": model.get("modelVersion"),
        "handler": archive.handler or None,
        "serialized_file": archive.worker_model.get("serializedFile"),
        "model_file": archive.worker_model.get("modelFile"),
        "config_file": archive.config.member if archive.config else None,
        "server_config": archive.server.path or None,
        "server_release": archive.server.release or None,
        "problems": archive.problems,
        "models": [{"member": name, "format": part.format, "state": part.state} for name, part in archive.models],
        "predicted": outlook(archive, findings),
    }

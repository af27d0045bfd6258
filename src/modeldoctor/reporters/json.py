"""`modeldoctor/report/v1`: one object, ASCII only, keys in a fixed order, nothing that changes between two runs."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from modeldoctor import __version__
from modeldoctor.facts.checkpoint import Checkpoint, Global
from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Failure, Finding, Report, Severity, Subject, Where
from modeldoctor.reporters.text import NUMBER_LIMIT

REPORT = "modeldoctor/report/v1"
INSPECT = "modeldoctor/inspect/v1"
TOOL = {"name": "modeldoctor", "version": __version__}

# Fields whose `(name, value)` pairs are an object in JSON.
_PAIRS = frozenset({"bytes_by_dtype", "tensors_by_dtype", "devices", "files", "extras"})

# Deeper than any fact is nested; what a configuration nests deeper is cut.
_DEPTH_LIMIT = 60


def report_text(report: Report) -> str:
    """The whole report."""
    return dumps(
        {
            "schema": REPORT,
            "tool": TOOL,
            "target_env": _target(report.target),
            "targets": [_subject(subject, report.findings) for subject in report.subjects],
            "findings": [_finding(finding) for finding in report.findings],
            "skipped": [skip._asdict() for skip in report.skips],
            "errors": errors(report.failures),
            "warnings": list(report.notices),
            "summary": _summary(report),
        }
    )


def inspection_text(checkpoint: Checkpoint, state: str, loads: Sequence[dict[str, Any]] = ()) -> str:
    """`modeldoctor/inspect/v1`: every fact but the first bytes, named as in `modeldoctor.facts.checkpoint`.

    `loads` has a row for each release that was asked for, way of loading, and state of the code of others.
    """
    facts = checkpoint._asdict()
    for key in ("path", "format", "state", "size_bytes", "sha256", "head"):
        del facts[key]
    document = {"schema": INSPECT, "tool": TOOL, **identity(checkpoint, state), **facts, "loads": loads, "errors": []}
    return dumps({key: dict(value) if key in _PAIRS else value for key, value in document.items()})


def dumps(document: dict[str, Any]) -> str:
    """JSON in ASCII: a line for each key of the document and each item of its lists, ending with a newline.

    What JSON has no word for (NaN, infinities, bytes) becomes null or text.
    """
    entries = (f"  {json.dumps(key)}: {_layout(plain(value))}" for key, value in document.items())
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _layout(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value, allow_nan=False)
    items = ",\n    ".join(json.dumps(item, allow_nan=False) for item in value)
    return f"[\n    {items}\n  ]"


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON has it: named tuples become objects, sets sorted lists, severities their names."""
    if value is None or value is True or value is False or type(value) is str:
        return value
    if type(value) is int:
        # Python refuses to print integers of more than 4,300 digits, and no reader of JSON expects one.
        return value if abs(value) < NUMBER_LIMIT else None
    if isinstance(value, float):
        return value if value - value == 0 else None  # not for NaN and infinities
    if depth > _DEPTH_LIMIT:
        return None
    if fields := getattr(value, "_fields", None):
        return {key: _field(key, item, depth + 1) for key, item in zip(fields, value, strict=True)}
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    return str(value)


def _field(key: str, value: Any, depth: int) -> Any:
    return plain(dict(value) if key in _PAIRS else value, depth)


def errors(failures: tuple[Failure, ...]) -> list[dict[str, Any]]:
    """What kept the job from being done."""
    return [{"message": item.message, "path": item.path, "code": item.code} for item in failures]


def _target(target: Target) -> dict[str, Any]:
    gpus = None if target.gpus is None else [_value(gpu) for gpu in target.gpus]
    named = {key: _value(getattr(target, key)) for key in ("torch", "python", "numpy", "cuda", "driver")}
    return {**named, "gpus": gpus, "platform": _value(target.platform)}


def _value(value: Value | None) -> dict[str, str] | None:
    return None if value is None else {"value": value.text, "source": value.source}


def _subject(subject: Subject, findings: tuple[Finding, ...]) -> dict[str, Any]:
    facts = subject.facts
    if subject.kind == "torchserve-archive":
        from modeldoctor.reporters.archives import as_json

        found = plain(as_json(facts, findings))
        return {"path": subject.path, "kind": subject.kind, "state": subject.state, "facts": found}
    if not isinstance(facts, Checkpoint):
        from modeldoctor.reporters import json_project

        said = json_project.facts(facts) or facts
        return {"path": subject.path, "kind": subject.kind, "state": subject.state, "facts": plain(said)}
    return {**identity(facts, subject.state), "facts": checkpoint_facts(facts)}


def identity(checkpoint: Checkpoint, state: str) -> dict[str, Any]:
    """Which file it is about."""
    return {
        "path": checkpoint.path,
        "kind": "checkpoint",
        "format": checkpoint.format,
        "state": state,
        "size_bytes": checkpoint.size_bytes,
        "sha256": checkpoint.sha256,
    }


def checkpoint_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a checkpoint holds, without its list of tensors."""
    anatomy = checkpoint.anatomy
    return {
        "title": checkpoint.title,
        "advice": checkpoint.advice,
        "contents": anatomy.contents,
        "root_class": anatomy.root_class,
        "weights_key": anatomy.weights_key,
        "framework": anatomy.framework,
        "tensors": len(checkpoint.tensors),
        "parameters": anatomy.parameters,
        "buffers": anatomy.buffers,
        "dtypes": dict(anatomy.tensors_by_dtype),
        "bytes_by_dtype": dict(anatomy.bytes_by_dtype),
        "storage_bytes": anatomy.storage_bytes,
        "tensor_bytes": anatomy.tensor_bytes,
        "weights_bytes": anatomy.weights_bytes,
        "optimizer_bytes": anatomy.optimizer_bytes,
        "devices": dict(anatomy.devices),
        "prefixes": anatomy.prefixes,
        "parts": anatomy.parts,
        "writer": checkpoint.writer,
        "globals": [_global(item) for pickle in checkpoint.pickles for item in pickle.globals],
        "problems": checkpoint.problems,
        "shards": checkpoint.shards,
        "adapter": checkpoint.adapter,
        "children": [
            {"path": child.path, "member": child.member, "format": child.format, "state": child.state}
            for child in checkpoint.children
        ],
    }


def _global(item: Global) -> dict[str, Any]:
    return {"name": str(item), "uses": item.uses, "times": item.times, "byte": item.position}


def _where(where: Where) -> dict[str, Any]:
    """The fields that are known; `path` always."""
    return {key: value for key, value in where._asdict().items() if value is not None}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "message": finding.message,
        "location": _where(finding.where),
        "related": [{**_where(item.where), "message": item.message} for item in finding.related],
        "notes": [{"label": label, "text": text} for label, text in finding.notes],
        "fix": finding.fix,
        "url": finding.url,
        "fingerprint": finding.fingerprint,
        "suppressed": finding.suppressed,
        "data": finding.data,
    }


def _summary(report: Report) -> dict[str, Any]:
    counts = Counter(finding.severity for finding in report.findings if finding.suppressed is None)
    states = Counter(subject.state for subject in report.subjects)
    return {
        **{str(severity): counts[severity] for severity in sorted(Severity, reverse=True)},
        "suppressed": sum(1 for finding in report.findings if finding.suppressed is not None),
        "baselined": sum(1 for finding in report.findings if (finding.suppressed or {}).get("kind") == "baseline"),
        "hidden": report.hidden,
        "targets": len(report.subjects),
        "understood": states["understood"],
        "not_understood": states["not understood"],
        "unreadable": states["unreadable"],
        "not_checked": states["not checked"],
        "rules_run": report.rules_run,
        "fail_on": "never" if report.fail_on is None else str(report.fail_on),
        "failing": report.failing(),
        "exit_code": report.exit_code(),
    }

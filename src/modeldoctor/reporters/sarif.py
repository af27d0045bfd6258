"""SARIF 2.1.0 (OASIS), as GitHub code scanning and others read it."""

import json
from collections import Counter
from typing import Any
from urllib.parse import quote

from modeldoctor import __version__, rules
from modeldoctor.findings import Confidence, Finding, Report, Severity, Where
from modeldoctor.reporters.formats import Setup, first_line, in_words
from modeldoctor.reporters.json import plain
from modeldoctor.reporters.summary import shown, verdict
from modeldoctor.reporters.text import printable
from modeldoctor.rules.base import Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://torch-modeldoctor.readthedocs.io/"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

# GitHub's names for how sure a rule is: docs.github.com, "SARIF support for code scanning", reportingDescriptor.
_PRECISIONS = {Confidence.HIGH: "high", Confidence.MEDIUM: "medium", Confidence.LOW: "low"}


def sarif(report: Report, setup: Setup) -> str:
    """One log with one run. Suppressed findings are in it, as suppressed."""
    used = {finding.code for finding in report.findings}
    named = [rule for rule in rules.all_rules() if rule.code in used] if used else []
    index = {rule.code: number for number, rule in enumerate(named)}
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "modeldoctor",
                "version": __version__,
                "semanticVersion": __version__,
                "informationUri": HOME,
                "rules": [_rule(rule) for rule in named],
            }
        },
        "automationDetails": {"id": f"{(setup.category or 'modeldoctor').rstrip('/')}/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, setup)],
        "results": [_result(finding, index, setup) for finding in report.findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, allow_nan=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    family = {"id": rule.code, "name": rule.slug}
    described = {"shortDescription": _message(rule.summary), "fullDescription": _message(rule.page.split("\n\n")[0])}
    page = {"help": {"text": rule.page, "markdown": rule.page}} if rule.page else {}
    link = {"helpUri": rule.url} if rule.url else {}
    return {
        **family,
        **described,
        **page,
        **link,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "precision": _PRECISIONS[rule.confidence],
            "problem.severity": "recommendation" if rule.severity is Severity.INFO else str(rule.severity),
            "tags": ["pytorch", rule.check.__module__.split(".")[-2:][0]],
            "since": rule.since,
            "status": rule.status,
        },
    }


def _result(finding: Finding, index: dict[str, int], setup: Setup) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "level": _LEVELS[finding.severity],
        "message": _message(in_words(finding)),
        "locations": [_location(finding.where, setup, dict(finding.snippet))],
        # GitHub tells alerts apart by the second, which its uploader can compute for sources only.
        "partialFingerprints": {
            "modeldoctor/v1": finding.fingerprint,
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
        },
        "properties": plain(
            {
                "confidence": str(finding.confidence),
                "fix": finding.fix,
                "notes": [{"label": label, "text": text} for label, text in finding.notes],
                "byte": finding.where.byte,
                "data": finding.data,
            }
        ),
    }
    if finding.code in index:
        result["ruleIndex"] = index[finding.code]
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, **_location(related.where, setup), "message": _message(related.message)}
            for number, related in enumerate(finding.related, 1)
        ]
    if finding.suppressed is not None:
        result["suppressions"] = [_suppression(finding.suppressed)]
    return result


def _location(where: Where, setup: Setup, snippet: dict[int, str] | None = None) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": first_line(where)}
    if where.line:
        known = {"startColumn": where.column, "endLine": where.end_line, "endColumn": where.end_column}
        region |= {key: value for key, value in known.items() if value is not None}
        if snippet and where.line in snippet:
            region["snippet"] = {"text": printable(snippet[where.line])}
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": {"uri": _uri(setup.from_root(where.path))}, "region": region}
    }
    if where.member:
        name = printable(where.member)
        at = f" at byte {where.byte}" if where.byte is not None else ""
        location["logicalLocations"] = [{"name": name, "fullyQualifiedName": f"{name}{at}", "kind": "member"}]
    return location


def _uri(path: str) -> str:
    """A path as a relative reference, an absolute one as a file URI (RFC 3986): bytes that are no text included."""
    reference = quote(path.encode("utf-8", "surrogateescape" if _encodes(path) else "surrogatepass"), safe="/")
    if path.startswith("/"):
        return f"file://{reference}"
    return f"file:///{reference}" if path[1:3] == ":/" else reference


def _encodes(path: str) -> bool:
    """Whether all surrogates are those that stand for single bytes (PEP 383)."""
    return all("\udc80" <= character <= "\udcff" for character in path if "\ud800" <= character <= "\udfff")


def _message(text: str) -> dict[str, str]:
    """A text without links: `](` would begin one (3.11.6)."""
    return {"text": printable(text).replace("](", "] (")}


def _suppression(decision: dict[str, str]) -> dict[str, Any]:
    said = ": ".join(decision[key] for key in ("source", "reason") if key in decision)
    until = f" (until {decision['until']})" if "until" in decision else ""
    in_source = decision["kind"] in {"inline", "file"}
    return {
        "kind": "inSource" if in_source else "external",
        "status": "accepted",
        "justification": printable(f"{said}{until}"),
    }


def _invocation(report: Report, setup: Setup) -> dict[str, Any]:
    """Whether all was done, what was not judged, and what the gate came to."""
    failures = [
        {
            "level": "error",
            "message": _message(failure.message),
            **({"associatedRule": {"id": failure.code}} if failure.code else {}),
            **({"locations": [_location(Where(failure.path), setup)]} if failure.path else {}),
        }
        for failure in report.failures
    ]
    times = Counter((skip.code, skip.reason) for skip in report.skips)
    skips = [
        {
            "level": "note",
            "message": _message(f"not judged: {reason}" + (f" ({number} times)" if number > 1 else "")),
            **({"associatedRule": {"id": code}} if code else {}),
        }
        for (code, reason), number in sorted(times.items(), key=str)
    ]
    word, reason = verdict(report)
    return {
        "executionSuccessful": not report.failures,
        "exitCode": report.exit_code(),
        "exitCodeDescription": printable(f"{word}: {reason}"),
        "toolExecutionNotifications": failures + skips,
        "toolConfigurationNotifications": [
            {"level": "warning", "message": _message(notice)} for notice in report.notices
        ],
        "properties": {"findings": len(shown(report)), "hidden": report.hidden, "targets": len(report.subjects)},
    }

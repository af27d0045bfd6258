"""`modeldoctor/fit/v1`: the estimate as one object, all sizes in bytes."""

from typing import Any

from modeldoctor.facts.memory import Memory, Need
from modeldoctor.reporters.json import TOOL, dumps

FIT = "modeldoctor/fit/v1"


def fit_text(found: Memory) -> str:
    """The whole estimate."""
    serving = found.serving
    return dumps(
        {
            "schema": FIT,
            "tool": TOOL,
            "path": found.path,
            "verdict": found.verdict,
            "model": {
                "dtype": found.dtype,
                "parameters": found.parameters,
                "storage_bytes": found.storage_bytes,
                "weights_bytes": found.weights_bytes,
                "optimizer_bytes": found.optimizer_bytes,
                "kv_bytes_per_token": found.kv_bytes_per_token,
                "architecture": found.architecture,
            },
            "serving": {
                "workers": serving.processes,
                "copies": serving.copies,
                "threads": serving.threads,
                "batch": serving.batch,
                "context": serving.context,
                "prompt": serving.prompt,
                "placement": serving.placement,
                "attention": serving.attention,
                "load": found.load.name,
                "load_assumed": found.load_assumed,
                "activations_by": found.activations,
            },
            "devices": [_need(need) for need in found.devices],
            "host": {**_need(found.host), "steady": _need(found.steady)},
            "catalogue": [_short(need) for need in found.catalogue],
            "smallest": found.smallest,
            "alternatives": list(found.alternatives),
            "largest_batch": found.reach.batch,
            "largest_context": found.reach.context,
            "concurrency": [{"context": tokens, "sequences": number} for tokens, number in found.reach.concurrency],
            "startup": list(found.startup),
            "notes": list(found.notes),
            "problems": list(found.problems),
            "errors": [],
        }
    )


def _need(need: Need) -> dict[str, Any]:
    return {
        **_short(need),
        "processes": need.processes,
        "terms": [term._asdict() for term in need.terms],
        "per_process": need.per_process,
        "most_processes": need.most_processes,
        "budget_source": need.source,
    }


def _short(need: Need) -> dict[str, Any]:
    return {
        "name": need.name,
        "total": need.total,
        "budget_bytes": need.budget_bytes,
        "verdict": need.verdict,
        "reason": need.reason,
    }

"""What a checkpoint is, in a person's words: shared by the reports on a terminal and in plain text."""

import re
from typing import Any

from modeldoctor.facts.checkpoint import Anatomy, Checkpoint, Evidence
from modeldoctor.reporters.text import NUMBER_LIMIT, clip, listed, many, printable
from modeldoctor.wording import count, memory

# Names are as long as their writer liked; this much identifies one.
NAME_LIMIT = 100

_CONTENTS = {
    "state_dict": "state_dict",
    "module": "whole model object",
    "training": "training checkpoint",
    "tensor": "a single tensor",
    "tensors": "a collection of tensors",
    "scripted": "TorchScript program",
    "exported": "exported program",
    "hyperparameters": "settings only, no tensors",
}

# How the things that evidence dates are written.
_WRITERS = {"torch": "torch", "python": "Python", "numpy": "NumPy", "lightning": "Lightning"}


def name(text: str) -> str:
    """A name out of a file, harmless and short enough to stand in a sentence."""
    return clip(printable(text), NAME_LIMIT)


def format_and_writer(checkpoint: Checkpoint) -> str:
    """`torch.save zip, written by torch 1.6 or newer`."""
    by = written_by(checkpoint.writer)
    return f"{checkpoint.title}, written by {by}" if by else checkpoint.title


def written_by(evidence: tuple[Evidence, ...]) -> str:
    """The writers and their releases, torch first, as far as all evidence together tells."""
    named = sorted({item.what for item in evidence}, key=lambda what: (what != "torch", what))
    return ", ".join(f"{_WRITERS.get(what, what)} {releases}" for what in named if (releases := span(evidence, what)))


def span(evidence: tuple[Evidence, ...], what: str) -> str:
    """The releases that agree with all evidence: `1.6 to 2.0`, `1.6 or newer`; empty when nothing bounds them."""
    low = max((item.low for item in evidence if item.what == what and item.low), key=_release, default=None)
    high = min((item.high for item in evidence if item.what == what and item.high), key=_release, default=None)
    if low and high:
        return low if low == high else f"{low} to {high}"
    if low:
        return f"{low} or newer"
    return f"up to {high}" if high else ""


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:4])


def contents(checkpoint: Checkpoint) -> str:
    """`whole model object: shop.nets.Net`, `training checkpoint, weights under "state_dict"`."""
    anatomy = checkpoint.anatomy
    if anatomy.contents == "unknown":
        return f"unknown: {anatomy.reason}" if anatomy.reason else "unknown"
    text = _CONTENTS.get(anatomy.contents, anatomy.contents)
    if anatomy.root_class:
        text += f": {name(anatomy.root_class)}"
    if anatomy.weights_key:
        text += f', weights under "{name(anatomy.weights_key)}"'
    if anatomy.epoch is not None:
        text += f", epoch {min(anatomy.epoch, NUMBER_LIMIT)}"
    return text


def tensors(anatomy: Anatomy) -> str:
    """`267 float32, 25.6 M parameters, 97.5 MiB`; empty when there are none."""
    if not anatomy.tensors_by_dtype:
        return ""
    kinds = ", ".join(f"{times:,} {dtype}" for dtype, times in anatomy.tensors_by_dtype)
    parameters = f", {many(anatomy.parameters)} parameters" if anatomy.parameters else ""
    buffers = f" and {many(anatomy.buffers)} in buffers" if anatomy.buffers else ""
    return f"{kinds}{parameters}{buffers}, {memory(anatomy.storage_bytes)}"


def facts(checkpoint: Checkpoint, *, verbose: bool = False) -> list[tuple[str, str]]:
    """What is worth a line of its own, as label and text."""
    if checkpoint.state == "recognised":
        return [("format", checkpoint.title), *([("do", checkpoint.advice)] if checkpoint.advice else [])]
    if checkpoint.state != "understood":
        problem = checkpoint.problems[0].text if checkpoint.problems else checkpoint.anatomy.reason
        found = tensors(checkpoint.anatomy)
        rows = [("format", checkpoint.title), ("because", problem), ("salvaged", found)]
        return [(label, text) for label, text in rows if text]
    anatomy = checkpoint.anatomy
    limit = None if verbose else 4
    rows = [
        ("format", format_and_writer(checkpoint)),
        ("contents", contents(checkpoint)),
        ("tensors", tensors(anatomy)),
    ]
    rows += _about_the_weights(anatomy, limit)
    if anatomy.framework:
        evidence = f" ({anatomy.framework_evidence})" if anatomy.framework_evidence else ""
        rows.append(("framework", f"{anatomy.framework}{evidence}"))
    if checkpoint.adapter:
        rows.append(("adapter", _adapter(checkpoint.adapter)))
    if checkpoint.shards:
        rows.append(("shards", count(len(checkpoint.shards.files), "file")))
    if checkpoint.children and not checkpoint.shards:
        rows.append(("inside", listed([name(child.member or child.path) for child in checkpoint.children], limit)))
    if checkpoint.sha256:
        rows.append(("sha256", checkpoint.sha256))
    return [(label, text) for label, text in rows if text]


def _about_the_weights(anatomy: Anatomy, limit: int | None) -> list[tuple[str, str]]:
    """Devices when they aren't all the CPU, and prefixes that a wrapper left."""
    rows = []
    if any(device != "cpu" for device, _ in anatomy.devices):
        rows.append(("devices", listed([f"{times:,} on {device}" for device, times in anatomy.devices], limit)))
    if anatomy.prefixes:
        kinds = [f"{name(prefix)} on {keys:,} of {of:,} keys" for prefix, keys, of in anatomy.prefixes]
        rows.append(("prefix", listed(kinds, limit)))
    return rows


def _adapter(adapter: Any) -> str:
    rank = f" of rank {adapter.rank}" if adapter.rank is not None else ""
    base = f" for {name(adapter.base_model)}" if adapter.base_model else ""
    return f"{adapter.kind}{rank}{base}"


def in_one_line(checkpoint: Checkpoint) -> str:
    """The facts for a list of files."""
    if checkpoint.state != "understood":
        return ", ".join(text for _, text in facts(checkpoint)[:2])
    parts = [checkpoint.title, contents(checkpoint), tensors(checkpoint.anatomy)]
    return ", ".join(part for part in parts if part)

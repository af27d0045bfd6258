"""What is in a model file, for a person: every fact, no judgement."""

from typing import Any

from modeldoctor.facts.checkpoint import Checkpoint, Container, Evidence, Global, Tensor
from modeldoctor.findings import Subject
from modeldoctor.predict.load.overview import Overview
from modeldoctor.reporters.blocks import labelled, subject_block
from modeldoctor.reporters.describe import in_one_line, name, written_by
from modeldoctor.reporters.text import Line, line
from modeldoctor.reporters.tree import shape, size_bytes, tree
from modeldoctor.wording import count, memory, size

# So many lines of a list are shown without -v.
FOLD = 20

# Deeper than real files nest archives.
NESTING_LIMIT = 8


def inspection(
    subject: Subject,
    loads: Overview | None = None,
    *,
    width: int,
    depth: int | None,
    tensors: bool,
    verbose: bool,
) -> list[Line]:
    """The lines: identity and anatomy, container, evidence, tensors, loading, globals, problems, what is inside."""
    checkpoint = subject.facts
    sections = [
        subject_block(subject, width, verbose=verbose) + _reading(checkpoint),
        _section("evidence", [_evidence(item) for item in checkpoint.writer], verbose=verbose),
        _tensors(checkpoint, depth, listed=tensors),
        _loads(loads) if loads else [],
        _section("globals", _globals(checkpoint), verbose=verbose),
        _section("calls with their arguments", _calls(checkpoint), verbose=verbose),
        _section("problems", _problems(checkpoint), verbose=verbose),
        _section("data", _outline(checkpoint.outline), verbose=verbose),
        _section("extras", _extras(checkpoint), verbose=verbose),
        _section("inside", _children(checkpoint), verbose=verbose),
    ]
    lines = [row for section in sections if section for row in [*section, line()]]
    return lines[:-1]


def _section(title: str, texts: list[str], *, verbose: bool) -> list[Line]:
    """A heading and its lines; a long list is cut."""
    shown = texts if verbose or len(texts) <= FOLD else texts[:FOLD]
    lines = [line((title, "bold")), *(line(f"  {text}", hang=4) for text in shown)] if texts else []
    if left := len(texts) - len(shown):
        lines.append(line((f"  … and {left:,} more (-v lists them)", "dim")))
    return lines


def _reading(checkpoint: Checkpoint) -> list[Line]:
    """The container, the pickles in it, and what reading it took."""
    rows = [("container", _container(checkpoint.container))] if checkpoint.container else []
    for pickle in checkpoint.pickles:
        if pickle.role in {"object", "second"}:
            where = f"{name(pickle.member)}, " if pickle.member else ""
            opcodes = f"protocol {pickle.protocol}, {count(pickle.opcode_count, 'opcode')}, {size(pickle.size_bytes)}"
            rows.append(("pickle", where + opcodes))
    rows.append(("read", f"{size(checkpoint.bytes_read)} of {size(checkpoint.size_bytes)}"))
    return [labelled(label, text) for label, text in rows]


def _container(container: Container) -> str:
    """`zip with 12 records under "archive", version 3, little endian, zip64`."""
    under = f' under "{name(container.root)}"' if container.root else ""
    facts = [
        f"{container.kind} with {count(container.record_count, 'record')}{under}",
        f"version {name(container.version)}" if container.version else "",
        f"{name(container.byteorder)} endian" if container.byteorder else "",
        "compressed" if container.compressed else "",
        "zip64" if container.zip64 else "",
        f"{size(container.prepended_bytes)} before it" if container.prepended_bytes else "",
        f"{size(container.appended_bytes)} after it" if container.appended_bytes else "",
    ]
    return ", ".join(fact for fact in facts if fact)


def _evidence(item: Evidence) -> str:
    return f"{written_by((item,)) or item.what}: {item.evidence}"


def _tensors(checkpoint: Checkpoint, depth: int | None, *, listed: bool) -> list[Line]:
    if not checkpoint.tensors:
        return []
    rows = _list(checkpoint) if listed else tree(checkpoint.tensors, depth)
    return [line(("tensors", "bold")), *rows]


def _loads(loads: Overview) -> list[Line]:
    """Which torch releases load it, in which way; why others do not, and what to paste."""
    wide = max(len(call) for call, _ in loads.lines)
    lines = [line(("which torch loads it", "bold"))]
    lines += [line(f"  {call:{wide}}  {ranges}", hang=6) for call, ranges in loads.lines]
    lines += [line(f"  {note}", hang=4) for note in loads.notes]
    for purpose, code in loads.cures:
        lines.append(line(f"  {purpose}"))
        lines += [line("    ", (row, "code"), wrap=False) for row in code.splitlines()]
    return lines


def _list(checkpoint: Checkpoint) -> list[Line]:
    """All tensors: path, dtype, shape, bytes, device, and with which other they share memory."""
    first: dict[int, str] = {}
    rows = []
    for tensor in checkpoint.tensors:
        shared = ""
        if tensor.storage is not None:
            owner = first.setdefault(tensor.storage, tensor.path)
            shared = f"shares the storage of {name(owner)}" if owner != tensor.path else _slice(tensor, checkpoint)
        cells = (name(tensor.path), tensor.dtype, shape(tensor), memory(size_bytes(tensor)), tensor.device, shared)
        rows.append(cells)
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [line("  " + "  ".join(map(str.ljust, row, [*widths, 0])).rstrip(), wrap=False) for row in rows]


def _slice(tensor: Tensor, checkpoint: Checkpoint) -> str:
    """What is said of a tensor that shows only a part of what is stored."""
    storage = checkpoint.storages[tensor.storage or 0]
    return f"part of {memory(storage.size_bytes)}" if 0 < size_bytes(tensor) < storage.size_bytes else ""


def _globals(checkpoint: Checkpoint) -> list[str]:
    """What loading imports and what is done with it."""
    return [f"{name(str(item))}  {_uses(item)}" for pickle in checkpoint.pickles for item in pickle.globals]


def _calls(checkpoint: Checkpoint) -> list[str]:
    return [f"{name(item.target)}({name(item.arguments)})" for pickle in checkpoint.pickles for item in pickle.calls]


def _uses(item: Global) -> str:
    """`called, 962 mentions, first at byte 43`."""
    times = f"{item.times:,} mentions, first " if item.times > 1 else ""
    return f"{' and '.join(sorted(item.uses))}, {times}at byte {item.position:,}"


def _problems(checkpoint: Checkpoint) -> list[str]:
    texts = []
    for problem in checkpoint.problems:
        member = f" in {name(problem.member)}" if problem.member else ""
        byte = f" at byte {problem.byte:,}" if problem.byte is not None else ""
        texts.append(f"{problem.kind}: {problem.text}{member}{byte}")
    return texts


def _outline(pairs: tuple[Any, ...], depth: int = 0) -> list[str]:
    """Nested `(key, text)` pairs, indented."""
    texts = []
    for key, value in pairs:
        nested = isinstance(value, tuple) and depth < NESTING_LIMIT
        texts.append(f"{'  ' * depth}{name(str(key))}: {'' if nested else name(str(value))}".rstrip())
        texts += _outline(value, depth + 1) if nested else []
    return texts


def _extras(checkpoint: Checkpoint) -> list[str]:
    """Facts that only this format has, but for those that say no."""
    texts = []
    for key, value in checkpoint.extras:
        many = isinstance(value, (tuple, list))
        texts += [f"{name(key)}: {name(', '.join(map(str, value)) if many else str(value))}"] if value else []
    return texts


def _children(checkpoint: Checkpoint, depth: int = 0) -> list[str]:
    texts = []
    for child in checkpoint.children:
        texts.append(f"{'  ' * depth}{name(child.member or child.path)}: {in_one_line(child)}")
        texts += _children(child, depth + 1) if depth < NESTING_LIMIT else []
    return texts

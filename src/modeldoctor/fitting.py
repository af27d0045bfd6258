"""`fit` from its options to the estimate: what is read, what is traced, and how it is said to be served."""

import re
from collections.abc import Mapping
from typing import Any

from modeldoctor.engine import shown_path
from modeldoctor.errors import ReadError, UsageError
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.facts.memory import Graph, Load, Memory, Serving, Trace
from modeldoctor.predict.memory.devices import cards
from modeldoctor.predict.memory.estimate import Given, estimate
from modeldoctor.predict.memory.loading import STYLES
from modeldoctor.predict.memory.overheads import ONE_TABLE, SDPA_SINCE
from modeldoctor.predict.versions import key
from modeldoctor.readers.model_sizes import read_model

_UNITS = {"": 1 << 30, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 1 << 10, "mi": 1 << 20,
          "gi": 1 << 30, "ti": 1 << 40}  # fmt: skip
# Above what any machine has; numbers beyond it are typing errors.
_MOST_BYTES = 1 << 50


def fit(target: str, environment: Target, options: Mapping[str, Any]) -> Memory:
    """The estimate for a target; UsageError when the options, the files or the trace make it impossible."""
    serving = serving_of(environment, options)
    trace = _trace(options, serving)
    if options["batch"] is None and trace is not None:
        serving = serving._replace(batch=trace.batch)
    checkpoint = _read(target)
    graph = _graph(target) if checkpoint.format == "torch-export" and trace is None else None
    return estimate(checkpoint, serving, Given(graph, trace))


def serving_of(environment: Target, options: Mapping[str, Any]) -> Serving:
    """How the options say that the model is served."""
    memory_bytes = size_option("--gpu-memory", options["gpu_memory"])
    names = tuple(value.text for value in environment.gpus or ())
    if environment.gpus == () or (environment.cuda and environment.cuda.text == "cpu"):
        names = ("none",)
    found = cards(names, memory_bytes, options["gpus"])
    return Serving(
        processes=options["workers"],
        threads=options["threads"],
        copies=options["copies"],
        batch=1 if options["batch"] is None else options["batch"],
        context=options["context"],
        prompt=options["prompt"],
        dtype=options["dtype"],
        kv_dtype=options["kv_dtype"],
        attention=options["attention"] or ("eager" if _before(options["transformers"], SDPA_SINCE) else "sdpa"),
        logits=options["logits"] or ("all" if _before(options["transformers"], ONE_TABLE) else "last"),
        transformers=options["transformers"],
        load=_load(options["load"]),
        grad=options["grad"] or None,
        placement=options["place"],
        gpus=found,
        torch=environment.torch.text if environment.torch else None,
        cuda=environment.cuda.text if environment.cuda else None,
        host_limit_bytes=size_option("--host-memory", options["host_memory"]),
        timeout_seconds=options["timeout"],
        timeout_what="--timeout" if options["timeout"] is not None else "",
    )


def _before(release: str | None, other: str) -> bool:
    """Whether a release of transformers was given and is older."""
    if release is None:
        return False
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3}){0,3}\S{0,20}", release):
        raise UsageError(f"--transformers must be a release such as 4.46.0, not `{release}`")
    return key(release) < key(other)


def size_option(name: str, text: str | None) -> int | None:
    """`16GiB`, `16G`, `16000m`, `24` (GiB) in bytes; UsageError for what is no size."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]i?|b?)b?", text.strip().lower())
    size = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if not 1 << 20 <= size <= _MOST_BYTES:
        raise UsageError(f"{name} must be a size such as 16GiB or 24g, not `{text}`")
    return size


def _load(name: str | None) -> Load | None:
    if name is None:
        return None
    if name not in STYLES:
        from modeldoctor.wording import did_you_mean

        hint = did_you_mean(name, list(STYLES))
        raise UsageError(f"no way of loading is called `{name}`{hint}; `--load list` shows them")
    return STYLES[name]


def _read(target: str) -> Checkpoint:
    shown = shown_path(target)
    try:
        found = read_model(target, shown)
    except ReadError as error:
        raise UsageError(f"{shown}: {error}") from error
    if found.state == "unreadable":
        reason = found.problems[0].text if found.problems else found.title
        raise UsageError(f"{shown} can't be read: {reason}")
    if not found.tensors and found.config is None and not found.shards:
        advice = f"; {found.advice}" if found.advice else ""
        raise UsageError(f"{shown} holds no model whose size could be known: {found.title}{advice}")
    return found


def _graph(target: str) -> Graph | None:
    from modeldoctor.readers.export_graph import read_graph

    try:
        return read_graph(target)
    except ReadError:
        return None


def _trace(options: Mapping[str, Any], serving: Serving) -> Trace | None:
    """The trace that was asked for."""
    if options["trace"] is None:
        if options["input"]:
            raise UsageError("--input belongs to --trace")
        return None
    if not options["input"]:
        raise UsageError("--trace needs the inputs of the model: `--input 1x3x224x224`")
    from modeldoctor.probe.run import run_trace

    return run_trace(
        options["trace"], tuple(options["input"]), options["interpreter"], options["trace_seconds"],
        grad=bool(serving.grad),
    )  # fmt: skip

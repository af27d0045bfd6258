"""What one process takes on a GPU and on the host, term by term, and what all processes take together."""

from typing import NamedTuple

from modeldoctor.facts.memory import HELD, WEIGHTS, WHILE_LOADING, Card, Graph, Load, Need, Serving, Term, Trace
from modeldoctor.predict.memory import activations
from modeldoctor.predict.memory.architecture import Architecture
from modeldoctor.predict.memory.attention import cache_term
from modeldoctor.predict.memory.loading import EXPORT_IMPORTS, STYLES, Amounts, Peaks, peaks
from modeldoctor.predict.memory.overheads import (
    allocator_term,
    context_term,
    driver_term,
    nccl_term,
    positions_term,
    workspace_term,
)
from modeldoctor.predict.memory.sizes import FLOATING, ITEM, QUANTIZED, Sizes, bytes_as
from modeldoctor.predict.memory.verdicts import judged
from modeldoctor.tables import table


class Model(NamedTuple):
    """What is estimated. `assumed`: nobody said how it is loaded."""

    sizes: Sizes
    shape: Architecture | None
    graph: Graph | None
    trace: Trace | None
    load: Load
    assumed: bool


def served_dtype(model: Model, serving: Serving) -> str:
    """The dtype that the floating point weights are served in."""
    return serving.dtype or model.sizes.dtype


def compute_dtype(model: Model, serving: Serving) -> str:
    """The dtype of activations and cache: quantized weights are computed with in 16 bits."""
    dtype = served_dtype(model, serving)
    if dtype in QUANTIZED or dtype not in FLOATING:
        return model.shape.dtype if model.shape and model.shape.dtype else "float16"
    return dtype


def tokens_of(model: Model, serving: Serving) -> int | None:
    """Tokens of one sequence that are computed at once, if they are known."""
    return serving.prompt or serving.context or (model.shape.fixed_tokens if model.shape else None)


# --------------------------------------------------------------------------- terms


def weights_term(model: Model, serving: Serving, shards: int = 1) -> Term:
    """The tensors that are served: not the optimizer, nor an EMA copy beside them."""
    sizes = model.sizes
    storages = model.load.module == "none" or model.load.assign
    size = bytes_as(sizes, serving.dtype, storages=storages) * serving.copies
    how = "served" if serving.dtype else "as stored"
    text = f"{sizes.parameters:,} parameters, {how} in {served_dtype(model, serving)}"
    if serving.copies > 1:
        text += f", {serving.copies} models in a process"
    if shards > 1:
        # Embeddings and norms are not split evenly.
        return Term(
            WEIGHTS,
            size // shards,
            size // shards,
            size * 11 // (10 * shards),
            sizes.source,
            f"{text}, split {shards} ways",
        )
    spread = int(size * sizes.spread)
    return Term(WEIGHTS, size - spread, size, size + spread, sizes.source, text)


def cache(model: Model, serving: Serving, shards: int = 1) -> Term | None:
    """The KV cache; None for models that have none."""
    shape = model.shape
    if shape is None or shape.kind == "encoder" or not (shape.kv_heads or shape.state_elements):
        return None
    dtype = serving.kv_dtype or compute_dtype(model, serving)
    if serving.context is None:
        return Term("KV cache", 0, None, None, shape.source, "follows from the tokens per sequence: give `--context`")
    term = cache_term(shape, serving.context, serving.batch, dtype)
    parts = min(shards, max(shape.kv_heads, default=1)) if shape.source == "config.json" else 1
    return term if parts == 1 else term._replace(
        low=term.low // parts, likely=(term.likely or 0) // parts, high=(term.high or 0) // parts,
        assumption=f"{term.assumption}, split {parts} ways",
    )  # fmt: skip


def activation(model: Model, serving: Serving) -> Term:
    """What the forward pass needs, by the best way there is."""
    dtype = compute_dtype(model, serving)
    stored = model.sizes.dtype if model.sizes.dtype in ITEM else dtype
    ratio = ITEM[dtype] / ITEM[stored] if stored in FLOATING else 1.0
    if model.trace is not None and not model.trace.problem:
        held = [name for name, _ in model.trace.weights_by_dtype if name in FLOATING]
        traced = held[0] if held else "float32"
        return activations.trace_term(model.trace, serving, ITEM[dtype] / ITEM[traced])
    if model.graph is not None:
        return activations.graph_term(model.graph, serving, ratio)
    if model.trace is not None:
        return activations.unknown_term(f"the trace failed: {model.trace.problem}")
    if model.shape is not None:
        tokens = tokens_of(model, serving)
        if tokens is None:
            return activations.unknown_term("follows from the tokens per sequence: give `--context`")
        return activations.formula_term(model.shape, serving, tokens, dtype, model.sizes)
    return activations.unknown_term(
        "strides and inputs are not in the file: give `--trace module:factory --input 1x3x224x224`"
    )


def amounts(model: Model, serving: Serving) -> Amounts:
    """The bytes that loading deals with."""
    sizes, load = model.sizes, model.load
    final = bytes_as(sizes, serving.dtype, storages=load.module == "none" or load.assign)
    fresh = bytes_as(sizes, "float32" if load.cast == "module" else serving.dtype, storages=False)
    return Amounts(sizes.storage_bytes, sizes.weights_bytes, sizes.file_bytes or sizes.storage_bytes, fresh, final,
                   sizes.largest_bytes)  # fmt: skip


def device_terms(model: Model, serving: Serving, card: Card | None, shards: int = 1) -> tuple[Term, ...]:
    """What one process takes on one GPU."""
    weights, kept, moving = (
        weights_term(model, serving, shards),
        cache(model, serving, shards),
        activation(model, serving),
    )
    if shards > 1:
        moving = moving._replace(low=moving.low // shards)
    tables = positions_term(model.shape, serving, compute_dtype(model, serving))
    terms = [weights, *([kept] if kept else []), moving, *([tables] if tables else [])]
    loading = _loading_term(model, peaks(model.load, amounts(model, serving), gpu=True), kept, moving, shards)
    cached = (kept.likely or 0) if kept else 0
    slack = allocator_term(model.sizes, serving.dtype, moving, cached, shards)
    terms += [*([loading] if loading else []), workspace_term(card, serving), slack, context_term(card, serving)]
    return (*terms, nccl_term()) if shards > 1 else tuple(terms)


def _loading_term(model: Model, taken: Peaks, kept: Term | None, moving: Term, shards: int) -> Term | None:
    """What loading needs beyond what serving needs anyway: the two do not happen at the same time."""
    beyond = (taken.device - taken.device_steady) // shards
    if model.load.name == "from-pretrained":
        # A tensor is brought to the GPU and cast there before it replaces the one of the module.
        text = "the largest tensor twice, where its dtype changes"
        return Term(WHILE_LOADING, 0, 0, model.sizes.largest_bytes, "steps of the load", text)
    if beyond <= 0:
        return None
    serving_too = (moving.likely or 0) + ((kept.likely or 0) if kept else 0)
    likely = max(0, beyond - serving_too)
    return Term(
        WHILE_LOADING, 0, likely, beyond, "steps of the load", "the checkpoint beside the model while it is copied"
    )


# --------------------------------------------------------------------------- GPUs


def device_needs(model: Model, serving: Serving) -> tuple[Need, ...]:
    """What each GPU must hold."""
    found = serving.gpus or ()
    return tuple(
        _device(model, serving, card, number, placed)
        for number, (card, placed) in enumerate(zip(found, placed_on(serving, len(found)), strict=True))
    )


def placed_on(serving: Serving, number: int) -> list[int]:
    """How many processes use each GPU."""
    if serving.placement == "split":
        return [serving.processes] * number
    if serving.placement == "spread":
        whole, rest = divmod(serving.processes, number or 1)
        return [whole + (1 if index < rest else 0) for index in range(number)]
    return [serving.processes, *[0] * (number - 1)] if number else []


def _device(model: Model, serving: Serving, card: Card, number: int, placed: int) -> Need:
    found = serving.gpus or ()
    shards = len(found) if serving.placement == "split" else 1
    name = f"{card.name} {number}" if len(found) > 1 else card.name
    once = (driver_term(),) if card.from_driver else ()
    each = device_terms(model, serving, card, shards)
    return judged(name, each, once, placed, card.budget_bytes, why=card.why, source=card.source)


# --------------------------------------------------------------------------- the host


def host_need(model: Model, serving: Serving) -> tuple[Need, Need]:
    """What the host must hold while the processes start, and afterwards, against a container's limit."""
    gpu = serving.gpus != ()
    terms = host_terms(model, serving, gpu=gpu)
    staying = tuple(term for term in terms if term.term != WHILE_LOADING)
    args = (serving.processes, serving.host_limit_bytes)
    why = "no limit was given (`--host-memory`)"
    return judged("host, at start-up", terms, (), *args, why=why), judged("host, serving", staying, (), *args, why=why)


def host_terms(model: Model, serving: Serving, *, gpu: bool) -> tuple[Term, ...]:
    """What one process takes of the host's memory."""
    data = table("memory")["host"]
    taken = peaks(model.load, amounts(model, serving), gpu=gpu)
    low, likely, high = data["torch_private"]
    extra = EXPORT_IMPORTS if model.load.name == "export" else 0
    terms = [
        Term(
            "Python and torch",
            low,
            likely + extra,
            high + extra,
            "measured: import torch 2.13.0",
            "private memory, without the service's own packages",
        )
    ]
    moving: Term | None = None
    kept: Term | None = None
    if taken.host_steady or not gpu:
        terms.append(
            Term(
                HELD,
                taken.host_steady,
                taken.host_steady,
                taken.host_steady,
                "steps of the load",
                _how(model),
            )
        )
    if gpu:
        low, likely, high = data["cuda_process"]
        terms.append(Term("CUDA on the host", low, likely, high, "published: pytorch issue 113326"))
    else:
        kept, moving = cache(model, serving), activation(model, serving)
        terms += [*([kept] if kept else []), moving]
    busy = sum(term.likely or 0 for term in (kept, moving) if term)
    terms.append(_start_term(model, serving, taken, busy, gpu=gpu))
    pages = data["torch_files"][2] + taken.mapped
    terms.append(Term("pages of files", 0, 0, pages, "measured", "counted in RSS, given back under pressure"))
    return tuple(terms)


def _start_term(model: Model, serving: Serving, taken: Peaks, busy: int, *, gpu: bool) -> Term:
    """The peak while loading, beyond what stays; from the best to the worst way when nobody says which it is."""
    beyond = max(0, taken.host - taken.host_steady)
    low = likely = max(0, beyond - busy)
    high = beyond
    if model.assumed:
        counts = amounts(model, serving)
        worst = peaks(STYLES["state-dict-kept"], counts, gpu=gpu)
        low, high = 0, max(high, worst.host - taken.host_steady)
    return Term(WHILE_LOADING, low, likely, high, "steps of the load", _how(model))


def _how(model: Model) -> str:
    return f"loaded as `{model.load.name}`{', assumed (`--load` says otherwise)' if model.assumed else ''}"

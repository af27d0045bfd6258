"""What a forward pass needs beside weights and cache: by a formula, by an exported graph, or by a trace."""

from modeldoctor.facts.memory import Graph, Serving, Term, Trace
from modeldoctor.predict.memory.architecture import Architecture
from modeldoctor.predict.memory.attention import largest_layer
from modeldoctor.predict.memory.sizes import ITEM, Sizes
from modeldoctor.tables import table
from modeldoctor.wording import memory

NAME = "activations"
# What kernels take inside an operation shows in no graph: measured on CPU +0 to +22 % beside convolutions.
_INSIDE = 1.25
# How the formula's upper end stands above its likely one: temporaries of activation functions written in Python, masks.
_FORMULA_HIGH = 1.15
# The smallest chunks of a prompt that servers use by default (vLLM: 2,048; TensorRT-LLM and llama.cpp: 512).
_CHUNK = 512
# What published cases have beyond all terms (benchmarks/accuracy/memory_cases.yaml): up to 2.3 % of the weights, 30 MB.
_LEFT_OUT_SHARE = 0.025
_LEFT_OUT_BYTES = 64 << 20


def formula_term(shape: Architecture, serving: Serving, tokens: int, dtype: str, sizes: Sizes) -> Term:
    """A prefill of all tokens at once, by the architecture.

    While the feed-forward of a layer runs, these live: the embeddings, the input of the layer, the residual, its norm
    (4 x hidden) and gate, up and their product (3 x feed-forward; 2 without a gate). That is how transformers' modules
    hold on to them; fused kernels free two of the hidden ones. Then the logits of the last token, also in float32.
    """
    item = ITEM.get(dtype, 2.0)
    count = serving.batch * tokens
    wide = shape.heads * shape.head_dim
    wide = wide if shape.source == "config.json" else shape.hidden
    kv = max(shape.kv_heads, default=shape.heads) * shape.head_dim if shape.source == "config.json" else shape.head_dim
    forward = (3 if shape.gated else 2) * shape.feed_forward
    held = 4 if shape.kind == "decoder" else 3
    likely = count * max(held * shape.hidden + forward, 3 * shape.hidden + 4 * wide + 2 * kv) * item
    # Servers that read prompts in chunks hold no more than a chunk of them.
    low = min(count, _CHUNK) * (2 * shape.hidden + 2 * shape.feed_forward) * item
    read_out = shape.kind != "encoder"
    logits = shape.vocabulary * serving.batch * (item + 4) if read_out else 0.0
    scores = 0.0
    if serving.attention == "eager":
        # Scores and their softmax, the latter in float32 (modeling_llama.py, eager_attention_forward).
        scores = 2.0 * serving.batch * max(1, shape.heads) * tokens * tokens * item
    copied = serving.batch * largest_layer(shape, tokens, dtype)
    # A packed matrix is unpacked to 16 bits while it multiplies (AutoGPTQ and AutoAWQ beyond a few tokens).
    unpacked = 2 * max((piece.numel for piece in sizes.pieces if piece.dtype == "packed"), default=0)
    likely = max(likely + scores + logits + unpacked / 2, copied)
    if read_out and serving.logits == "all":
        # modeling_*.py before transformers 4.45: `logits = self.lm_head(hidden_states).float()`, of every token. The
        # layers have given their memory back by then.
        every = shape.vocabulary * count * (item + 4) + 2 * count * shape.hidden * item
        likely = max(likely, every)
    high = max((likely + scores / 2 * (4 / item)) * _FORMULA_HIGH, copied) + unpacked
    high += _LEFT_OUT_BYTES + _LEFT_OUT_SHARE * sizes.weights_bytes
    text = f"{serving.batch:,} x {tokens:,} tokens at once, {serving.attention} attention"
    if logits:
        text += ", logits of the last token only" if serving.logits == "last" else ", logits of all tokens"
    return with_gradients(Term(NAME, int(low), int(likely), int(high), f"formula from {shape.source}", text), serving)


def graph_term(graph: Graph, serving: Serving, item_ratio: float) -> Term:
    """The liveness of an exported program: what lives at its fullest step, to that with its largest value twice.

    Python frames hold inputs of a module longer than the graph needs them, so the sum is the lower end.
    """
    batch = serving.batch
    scale = batch / graph.batch if graph.batch else 1.0
    peak, largest = live_peak(graph)
    low = int(peak * scale * item_ratio)
    extra = largest * scale * item_ratio
    high = int((peak + largest) * scale * item_ratio * _INSIDE) + convolution_high(
        int(graph.convolution_bytes * scale * item_ratio)
    )
    text = f"batch {batch:,}" if graph.batch else "the batch that was exported"
    term = Term(
        NAME, low, int(low + extra / 2), None if graph.recurrent else high, "liveness of the exported graph", text
    )
    return with_gradients(term, serving)


def live_peak(graph: Graph) -> tuple[int, int]:
    """The most bytes that live at one step, and the largest value."""
    roots: dict[str, str] = {}
    last: dict[str, int] = {}
    for value in graph.values:
        root = roots.get(value.alias or "", value.name)
        roots[value.name] = root
        last[root] = max(last.get(root, 0), value.last)
    change: dict[int, int] = {}
    largest = 0
    for value in graph.values:
        if roots[value.name] == value.name:
            size = -(-value.size_bytes // 512) * 512
            largest = max(largest, size)
            change[value.first] = change.get(value.first, 0) + size
            end = last[value.name] + 1
            change[end] = change.get(end, 0) - size
    peak = now = 0
    for step in sorted(change):
        now += change[step]
        peak = max(peak, now)
    return peak, largest


def trace_term(trace: Trace, serving: Serving, item_ratio: float) -> Term:
    """A forward pass on fake tensors: exact about operations, blind to what kernels take inside them."""
    slope = trace.slope_bytes if trace.slope_bytes is not None else trace.peak_bytes // max(1, trace.batch)
    peak = max(0, trace.peak_bytes + slope * (serving.batch - trace.batch))
    scale = serving.batch / max(1, trace.batch)
    low = int(peak * item_ratio)
    scratch = int(trace.convolution_bytes * scale * item_ratio)
    high = int(peak * item_ratio * _INSIDE) + convolution_high(scratch)
    likely = low + scratch // 10
    text = f"batch {serving.batch:,}; what kernels take inside an operation is not seen"
    if trace.recurrent_bytes:
        text = f"batch {serving.batch:,}; recurrent layers repack {memory(trace.recurrent_bytes)} of weights or more"
        return with_gradients(
            Term(NAME, low, likely + trace.recurrent_bytes, None, f"trace of {trace.target}", text), serving
        )
    term = Term(NAME, low, likely, high, f"trace of {trace.target}, torch {trace.torch}", text)
    if serving.grad and trace.grad_bytes is not None:
        grown = int(trace.grad_bytes * scale * item_ratio)
        return term._replace(
            low=grown, likely=grown + scratch // 10, high=int(grown * _INSIDE) + convolution_high(scratch),
            assumption=f"{text}; traced with gradients on",
        )  # fmt: skip
    return with_gradients(term, serving)


def convolution_high(largest_bytes: int) -> int:
    """The workspace that cuDNN may choose: four times the largest output, but not above what is plausible."""
    plausible: int = table("memory")["cudnn_high"]
    return min(4 * largest_bytes, max(plausible, largest_bytes))


def with_gradients(term: Term, serving: Serving) -> Term:
    """The term when the code leaves gradients on: every layer's outputs are kept (2 to 20 times as much, measured)."""
    if not serving.grad or term.likely is None:
        return term
    low, likely, high = table("memory")["grad_over_no_grad"]
    return term._replace(
        low=term.low * low,
        likely=term.likely * likely,
        high=None if term.high is None else term.high * high,
        assumption=f"{term.assumption}; gradients are on, which keeps the outputs of every layer",
    )


def unknown_term(why: str) -> Term:
    """Not known: no factor is made up for it."""
    return Term(NAME, 0, None, None, "not known", why)

"""What a server keeps of each sequence: the cache of keys and values, and the state of layers that have none."""

from modeldoctor.facts.memory import Term
from modeldoctor.predict.memory.architecture import Architecture
from modeldoctor.predict.memory.sizes import ITEM

# State-space layers keep their state in float32 (modeling_mamba2.py).
_STATE_ITEM = 4


def cache_bytes(shape: Architecture, tokens: int, dtype: str) -> tuple[int, int, int]:
    """Low, likely and high bytes for one sequence of `tokens`.

    The high end is full attention in each layer: servers that do not trim what a sliding window has passed, and ones
    that unpack latent attention (as transformers does) keep that.
    """
    item = ITEM.get(dtype, 2.0)
    width = shape.head_dim + shape.value_dim
    likely = high = 0
    for heads, window in zip(shape.kv_heads, shape.windows, strict=True):
        whole = shape.expanded if shape.latent else heads * width
        kept = shape.latent or heads * width
        likely += kept * (min(tokens, window) if window else tokens)
        high += whole * tokens
    cross = 2 * shape.cross_layers * shape.heads * shape.head_dim * tokens
    state = shape.state_elements * _STATE_ITEM
    low = 0 if not shape.known else int((likely + cross) * item) + state
    return low, int((likely + cross) * item) + state, int((high + cross) * item) + state


def bytes_per_token(shape: Architecture, dtype: str) -> int:
    """What one more token takes where every layer keeps it."""
    return cache_bytes(shape, 2, dtype)[1] - cache_bytes(shape, 1, dtype)[1]


def largest_layer(shape: Architecture, tokens: int, dtype: str) -> int:
    """Keys and values of the layer that keeps most: a cache that grows by concatenation holds it twice for a moment."""
    width = shape.latent or max(shape.kv_heads, default=0) * (shape.head_dim + shape.value_dim)
    return int(width * tokens * ITEM.get(dtype, 2.0))


def cache_term(shape: Architecture, tokens: int, batch: int, dtype: str) -> Term:
    """The cache of `batch` sequences of `tokens` tokens each."""
    low, likely, high = (value * batch for value in cache_bytes(shape, tokens, dtype))
    return Term(
        "KV cache", low, likely, high, shape.source, f"{_kind(shape)}, {batch:,} x {tokens:,} tokens in {dtype}"
    )


def _kind(shape: Architecture) -> str:
    """How the attention is called: `grouped-query attention, 8 of 32 heads`."""
    layers = len(shape.kv_heads)
    sliding = sum(1 for window in shape.windows if window)
    if not layers:
        return "a state of fixed size and no cache"
    if shape.latent:
        return f"latent attention (MLA), {layers} layers of {shape.latent:,} elements"
    heads = max(shape.kv_heads)
    if shape.source != "config.json":
        text = f"{layers} layers of 2 x {shape.head_dim:,} elements"
    elif heads == shape.heads:
        text = f"multi-head attention, {layers} layers of {heads} heads"
    elif heads == 1:
        text = f"multi-query attention, {layers} layers"
    else:
        text = f"grouped-query attention, {layers} layers of {heads} key-value heads for {shape.heads}"
    if sliding:
        window = max(window for window in shape.windows if window)
        text += f", {sliding} of them keep {window:,} tokens"
    return text if layers == shape.layers else f"{text}, {shape.layers - layers} layers without a cache of their own"

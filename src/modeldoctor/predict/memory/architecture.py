"""What a transformer is, by its configuration or by the names and shapes of its parameters.

The names of the keys are those of transformers' configuration classes (`configuration_<model type>.py`); remote code
(ChatGLM, MPT, DeciLM) has its own. A key that is absent is None in there, so `null` counts as absent.
"""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NamedTuple

from modeldoctor.facts.checkpoint import Tensor

# Where multimodal models keep the configuration of their language model.
_INNER = ("text_config", "llm_config", "language_config", "thinker_config", "decoder")
_LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "decoder_layers")
_HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "decoder_attention_heads")
_KV_HEADS = (
    "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num", "num_key_value_heads_per_layer",
)  # fmt: skip
_FF = ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "decoder_ffn_dim", "d_ff", "hidden_dim")
_HEAD_DIM = ("head_dim", "kv_channels", "d_kv", "attention_head_dim")
_VOCABULARY = ("vocab_size", "padded_vocab_size")
# A feed-forward of two matrices; everything newer has a gate beside them.
_UNGATED = frozenset(
    ("gpt2", "gpt_neo", "gpt_neox", "gptj", "gpt_bigcode", "opt", "bloom", "falcon", "mpt", "phi", "bert", "roberta",
     "xlm-roberta", "distilbert", "electra", "albert", "camembert", "mpnet", "deberta", "deberta-v2", "bart", "mbart",
     "marian", "pegasus", "whisper", "vit", "deit", "beit", "dinov2", "clip", "siglip", "t5", "xglm", "codegen",
     "starcoder2", "persimmon", "nemotron", "wav2vec2", "hubert", "esm")
)  # fmt: skip
# Models that read a whole text at once and cache nothing.
_ENCODERS = frozenset(
    ("bert", "roberta", "xlm-roberta", "distilbert", "electra", "albert", "camembert", "mpnet", "deberta", "deberta-v2",
     "vit", "deit", "beit", "dinov2", "clip", "siglip", "wav2vec2", "hubert", "esm", "modernbert", "nomic_bert",
     "longformer", "big_bird", "layoutlm", "layoutlmv3", "convbert", "xlnet")
)  # fmt: skip
# No configuration of a real model has larger numbers; larger ones are nonsense, and so are those below 1.
MOST = 10_000_000
MOST_LAYERS = 10_000


class Architecture(NamedTuple):
    """What memory follows from. Sizes count elements.

    `kind`: `decoder` | `encoder` | `encoder-decoder`. `kv_heads` are those of each layer that caches, so its length is
    their number; `windows` are the tokens that each of them keeps (None: all). `latent` is what a layer of latent
    attention (MLA) caches per token, `expanded` what an implementation that unpacks it does. `state_elements` is the
    fixed state of layers without attention. `cross_layers` cache an encoder's tokens once. `fixed_tokens` are those of
    an image, which the configuration decides.
    """

    model_type: str
    kind: str
    layers: int
    hidden: int
    heads: int
    head_dim: int
    value_dim: int
    kv_heads: tuple[int, ...]
    windows: tuple[int | None, ...]
    feed_forward: int
    gated: bool
    vocabulary: int
    latent: int = 0
    expanded: int = 0
    state_elements: int = 0
    cross_layers: int = 0
    most_tokens: int | None = None
    dtype: str | None = None
    fixed_tokens: int | None = None
    known: bool = True
    source: str = "config.json"


class ConfigError(ValueError):
    """A configuration that no model can have; the text says which key."""


def from_config(config: Mapping[str, Any]) -> Architecture | None:
    """The architecture in a `config.json`; None when it is no transformer's, ConfigError when it is nonsense."""
    inner: Mapping[str, Any] = next((config[key] for key in _INNER if isinstance(config.get(key), Mapping)), config)
    layers, hidden, heads = (_number(inner, keys) for keys in (_LAYERS, _HIDDEN, _HEADS))
    if layers is None or hidden is None:
        return None
    if layers > MOST_LAYERS:
        raise ConfigError(f"{layers:,} layers are more than any model has")
    model_type = str(inner.get("model_type") or config.get("model_type") or "")[:60]
    kind = _kind(config, inner, model_type)
    if heads is None:
        if not _stateful(inner, model_type):
            return None
        heads = 0
    if heads and hidden % heads and _number(inner, _HEAD_DIM) is None:
        raise ConfigError(f"{hidden:,} hidden elements do not divide by {heads:,} heads, and there is no `head_dim`")
    head_dim = _number(inner, _HEAD_DIM) or _mpt_head_dim(inner) or (hidden // heads if heads else 0)
    attends = _attending(inner, layers) if heads else [False] * layers
    kv = _kv_heads(inner, layers, heads, model_type)
    windows = _windows(inner, layers)
    pairs = [(kv[layer], windows[layer]) for layer in range(layers) if attends[layer]]
    latent, expanded = _latent(inner, heads)
    shared = _number(inner, ("num_kv_shared_layers",), least=0) or 0
    pairs = pairs[: len(pairs) - shared] if shared < len(pairs) else pairs
    return Architecture(
        model_type=model_type,
        kind=kind,
        layers=layers,
        hidden=hidden,
        heads=heads,
        head_dim=head_dim,
        value_dim=_number(inner, ("v_head_dim",)) or head_dim,
        kv_heads=() if kind == "encoder" else tuple(heads_ for heads_, _ in pairs),
        windows=() if kind == "encoder" else tuple(window for _, window in pairs),
        feed_forward=_feed_forward(inner, hidden),
        gated=_gated(inner, model_type),
        vocabulary=_number(inner, _VOCABULARY) or _number(config, _VOCABULARY) or 0,
        latent=latent,
        expanded=expanded,
        state_elements=_state(inner, layers - sum(attends), hidden),
        cross_layers=layers if kind == "encoder-decoder" else 0,
        most_tokens=_number(inner, ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")),
        dtype=_dtype(config) or _dtype(inner),
        fixed_tokens=_image_tokens(inner) if kind == "encoder" else None,
        known=not (_stateful(inner, model_type) and all(attends)),
    )


def _number(config: Mapping[str, Any], keys: Iterable[str], *, least: int = 1) -> int | None:
    """The first of the keys that is there; ConfigError when it is no sensible number."""
    for key in keys:
        value = config.get(key)
        if value is None or isinstance(value, (list, Mapping, str)):
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ConfigError(f"`{key}` is {value!r}, not a number")
        if not least <= value <= MOST or value != int(value):
            raise ConfigError(f"`{key}` is {_short(value)}, which no model has")
        return int(value)
    return None


def _short(value: float) -> str:
    text = str(value) if abs(value) < 1e30 else "a number of many digits"
    return text[:40]


def _kind(config: Mapping[str, Any], inner: Mapping[str, Any], model_type: str) -> str:
    if config.get("is_encoder_decoder") is True:
        return "encoder-decoder"
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
    if model_type in _ENCODERS and not inner.get("is_decoder") and "CausalLM" not in name:
        return "encoder"
    return "decoder"


def _stateful(inner: Mapping[str, Any], model_type: str) -> bool:
    """State-space and linear-attention models, whose cache does not grow with the text."""
    return "mamba" in model_type or model_type in {"rwkv", "rwkv5", "rwkv6", "rwkv7"} or "ssm_state_size" in inner


def _attending(inner: Mapping[str, Any], layers: int) -> list[bool]:
    """Which layers cache keys and values: hybrid models have others between (`layer_types` and its older forms)."""
    types = inner.get("layer_types") or inner.get("layers_block_type") or inner.get("attn_type_list")
    if isinstance(types, list) and len(types) == layers:
        return ["attention" in str(each) and "linear" not in str(each) if isinstance(each, str) else bool(each)
                for each in types]  # fmt: skip
    pattern = inner.get("hybrid_override_pattern")
    if isinstance(pattern, str) and len(pattern) == layers:
        return [letter == "*" for letter in pattern]
    indices = inner.get("attn_layer_indices") or inner.get("full_attn_idxs")
    if isinstance(indices, list):
        return [layer in indices for layer in range(layers)]
    period, offset = _number(inner, ("attn_layer_period",)), _number(inner, ("attn_layer_offset",), least=0)
    if period:
        return [layer % period == (offset or 0) for layer in range(layers)]
    every = _number(inner, ("full_attention_interval",))
    if every:
        return [(layer + 1) % every == 0 for layer in range(layers)]
    return [True] * layers


def _kv_heads(inner: Mapping[str, Any], layers: int, heads: int, model_type: str) -> list[int]:
    """Key and value heads of each layer: grouped (GQA), one (MQA), a list, or as many as there are heads (MHA)."""
    for key in _KV_HEADS:
        each = inner.get(key)
        if isinstance(each, list) and len(each) == layers and all(isinstance(value, int) for value in each):
            return [max(0, min(value, MOST)) for value in each]
    attention = inner.get("attn_config")
    nested = _number(attention, ("kv_n_heads",)) if isinstance(attention, Mapping) else None
    if model_type == "falcon" and not inner.get("new_decoder_architecture"):
        # configuration_falcon.py: `num_kv_heads` is read by the new architecture only.
        return [1 if inner.get("multi_query", True) else heads] * layers
    if inner.get("multi_query") is True and model_type == "gpt_bigcode":
        return [1] * layers
    if inner.get("multi_query_attention") is False:
        return [heads] * layers
    found = _number(inner, _KV_HEADS) or nested or heads
    if heads and (found > heads or heads % found):
        raise ConfigError(f"{found:,} key-value heads do not divide {heads:,} heads")
    return [found] * layers


def _windows(inner: Mapping[str, Any], layers: int) -> list[int | None]:
    """How many tokens each layer keeps; None: all of them."""
    window = _number(inner, ("sliding_window", "attention_window"))
    chunk = _number(inner, ("attention_chunk_size",))
    types = inner.get("layer_types")
    if isinstance(types, list) and len(types) == layers:
        return [window if each == "sliding_attention" else chunk if each == "chunked_attention" else None
                for each in types]  # fmt: skip
    if window is None or inner.get("use_sliding_window") is False:
        return [None] * layers
    pattern = _number(inner, ("sliding_window_pattern", "_sliding_window_pattern"))
    if pattern is None and inner.get("model_type") in {"gemma2", "cohere2", "gemma3_text"}:
        # configuration_gemma2.py, _gemma3.py and _cohere2.py: every second, sixth and fourth layer sees everything.
        pattern = {"gemma2": 2, "gemma3_text": 6, "cohere2": 4}[str(inner["model_type"])]
    if pattern:
        return [None if (layer + 1) % pattern == 0 else window for layer in range(layers)]
    first = _number(inner, ("max_window_layers",), least=0)
    if first is not None:  # configuration_qwen2.py: the layers below it use full attention
        return [window if layer >= first else None for layer in range(layers)]
    return [window] * layers


def _latent(inner: Mapping[str, Any], heads: int) -> tuple[int, int]:
    """Elements per token and layer of latent attention (DeepSeek's MLA), packed and unpacked."""
    rank, rope = _number(inner, ("kv_lora_rank",)), _number(inner, ("qk_rope_head_dim",))
    if rank is None or rope is None:
        return 0, 0
    keys = (_number(inner, ("qk_nope_head_dim",)) or 0) + rope
    return rank + rope, heads * (keys + (_number(inner, ("v_head_dim",)) or 0))


def _state(inner: Mapping[str, Any], layers: int, hidden: int) -> int:
    """Elements that layers without attention keep of a sequence (modeling_mamba2.py, Mamba2Cache; Qwen3-Next)."""
    if layers <= 0:
        return 0
    value_heads, value_dim = _number(inner, ("linear_num_value_heads",)), _number(inner, ("linear_value_head_dim",))
    if value_heads and value_dim:
        keys = (_number(inner, ("linear_num_key_heads",)) or value_heads) * (
            _number(inner, ("linear_key_head_dim",)) or value_dim
        )
        kernel = _number(inner, ("linear_conv_kernel_dim",)) or 4
        return layers * (
            value_heads * value_dim * (keys // max(1, value_heads)) + (2 * keys + value_heads * value_dim) * kernel
        )
    state = _number(inner, ("ssm_state_size", "mamba_d_state", "state_size")) or 16
    expand = _number(inner, ("expand", "mamba_expand")) or 2
    kernel = _number(inner, ("conv_kernel", "mamba_d_conv")) or 4
    return layers * expand * hidden * (state + kernel)


def _image_tokens(inner: Mapping[str, Any]) -> int | None:
    """Patches of a picture and the class token (modeling_vit.py)."""
    image, patch = _number(inner, ("image_size",)), _number(inner, ("patch_size",))
    return (image // patch) ** 2 + 1 if image and patch and image <= 1 << 14 else None


def _mpt_head_dim(inner: Mapping[str, Any]) -> int | None:
    heads, hidden = _number(inner, ("n_heads",)), _number(inner, ("d_model",))
    return hidden // heads if heads and hidden else None


def _feed_forward(inner: Mapping[str, Any], hidden: int) -> int:
    """The width of the feed-forward layers that one token passes: of a mixture, the experts it is sent to."""
    dense = _number(inner, _FF)
    ratio = inner.get("expansion_ratio")
    if dense is None:
        dense = hidden * (ratio if isinstance(ratio, int) and 0 < ratio <= 64 else 4)
    chosen = _number(inner, ("num_experts_per_tok", "num_experts_per_token", "moe_topk"))
    each = _number(inner, ("moe_intermediate_size", "expert_ffn_hidden_size"))
    if chosen and _number(inner, EXPERTS):
        return max(dense, chosen * (dense if each is None else each))
    return dense


# The keys that count the experts of a mixture.
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")


def _gated(inner: Mapping[str, Any], model_type: str) -> bool:
    projection = inner.get("feed_forward_proj")  # configuration_t5.py: `relu` or `gated-gelu`
    if isinstance(projection, str):
        return projection.startswith("gated")
    return model_type not in _UNGATED


def _dtype(config: Mapping[str, Any]) -> str | None:
    value = config.get("dtype", config.get("torch_dtype"))
    text = value.removeprefix("torch.") if isinstance(value, str) else ""
    return text if text in {"float64", "float32", "float16", "bfloat16"} else None


# --------------------------------------------------------------------------- by parameter names

# `model.layers.12.self_attn.k_proj.weight` and what else layers are called; the number is the layer.
_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?|block|resblocks)\.(\d{1,4})\.(.+)$")
_KEY = re.compile(r"(?:self_attn|attention|attn|self_attention|attention\.self|self)\.(k_proj|key|wk|k_lin)\.weight$")
_FUSED = re.compile(
    r"(?:attn|attention|self_attention)\.(c_attn|qkv|query_key_value|in_proj|qkv_proj|Wqkv)\.?_?weight$"
)
_GATE = re.compile(r"(?:gate_proj|w1|gate_up_proj|wi_0|linear_fc1_gate)\.weight$")
_UP = re.compile(
    r"(?:up_proj|c_fc|fc1|dense_h_to_4h|intermediate\.dense|w3|wi|wi_0|lin1|mlp\.0|linear1|gate_up_proj)\.weight$"
)
_ENCODER_NAMES = ("encoder.layer.", "transformer.layer.", "blocks.", "encoder.layers.", "resblocks.", "vit.")


def from_tensors(tensors: Iterable[Tensor]) -> Architecture | None:
    """The architecture that names and shapes give away: widths, layers, and what a layer caches; None when they don't.

    The number of heads does not show in shapes, and what is cached does not depend on it: the key projection has one
    row for each cached element.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    layers: set[int] = set()
    example: dict[str, tuple[int, ...]] = {}
    prefix = ""
    for tensor in tensors:
        if len(tensor.shape) != 2:
            continue
        shapes[tensor.path] = tensor.shape
        found = _LAYER.search(tensor.path)
        if found:
            layers.add(int(found[1]))
            example.setdefault(found[2], tensor.shape)
            prefix = prefix or tensor.path
    key = next((shape for name, shape in example.items() if _KEY.search(name)), None)
    fused = next(((name, shape) for name, shape in example.items() if _FUSED.search(name)), None)
    up = next((shape for name, shape in example.items() if _UP.search(name)), None)
    if not layers or up is None or (key is None and fused is None):
        return None
    # A fused projection has the rows of queries, keys and values; transformers' Conv1D (GPT-2) keeps it transposed.
    long, hidden = (key[0], key[1]) if key else (max(fused[1]), min(fused[1])) if fused else (0, 0)
    cached = long if key else (long - hidden) // 2
    if not hidden or cached <= 0 or max(hidden, cached) > MOST:
        return None
    encoder = any(mark in prefix for mark in _ENCODER_NAMES) and not any("lm_head" in path for path in shapes)
    table = max((shape for path, shape in shapes.items() if "emb" in path or "wte" in path), default=(0, 0))
    count = len(layers)
    return Architecture(
        model_type="",
        kind="encoder" if encoder else "decoder",
        layers=count,
        hidden=hidden,
        heads=1,
        head_dim=cached,
        value_dim=cached,
        kv_heads=() if encoder else (1,) * count,
        windows=() if encoder else (None,) * count,
        feed_forward=max(up) // 2 if any("gate_up" in name for name in example) else max(up),
        gated=any(_GATE.search(name) for name in example),
        vocabulary=max(table),
        source="names and shapes of the parameters",
    )

"""How large a transformer is by its configuration alone: for models whose weights are not here."""

from collections.abc import Iterator, Mapping
from typing import Any

from modeldoctor.predict.memory.architecture import _INNER, _KV_HEADS, EXPERTS, Architecture, _number
from modeldoctor.predict.memory.sizes import FLOATING, ITEM, Piece, Sizes

# transformers ties the table of embeddings to the output of these unless the configuration says otherwise.
_TIED = frozenset(
    ("gpt2", "gemma", "gemma2", "gemma3", "gemma3_text", "bert", "roberta", "distilbert", "t5", "opt", "bloom",
     "falcon", "bart", "cohere")
)  # fmt: skip
# Biases, norms and position tables that the sum leaves out are below this part of any model of the kinds known here.
SPREAD = 0.01
# Kinds whose shapes do not follow from the keys that are read here.
_UNKNOWN_SPREAD = 0.10


def sizes_from_config(config: Mapping[str, Any], shape: Architecture, total_bytes: int | None = None) -> Sizes:
    """The sizes of a model of this configuration. `total_bytes` of an index is exact, and replaces the sum."""
    inner: Mapping[str, Any] = next((config[key] for key in _INNER if isinstance(config.get(key), Mapping)), config)
    dtype = shape.dtype or "float32"
    pieces = tuple(_pieces(inner, config, shape, dtype))
    whole = sum(piece.size_bytes * piece.times for piece in pieces)
    if total_bytes and whole:
        # The tensors as the sum sees them, scaled to what the index says, so that dtypes can still be changed.
        scale = total_bytes / whole
        pieces = tuple(
            piece._replace(numel=round(piece.numel * scale), size_bytes=round(piece.size_bytes * scale))
            for piece in pieces
        )
    weights = total_bytes or whole
    known = shape.known and (shape.model_type in _READ or inner.get("model_type") in _READ)
    return Sizes(
        pieces=pieces,
        storage_bytes=weights,
        weights_bytes=weights,
        other_bytes=0,
        optimizer_bytes=0,
        largest_bytes=max((piece.size_bytes for piece in pieces), default=0),
        parameters=sum(piece.numel * piece.times for piece in pieces),
        dtype=dtype,
        spread=0.0 if total_bytes else SPREAD if known else _UNKNOWN_SPREAD,
        source="`total_size` of the index" if total_bytes else "parameters counted from config.json",
        file_bytes=weights,
    )


# All their linear layers and norms have a bias.
_BIASED = frozenset(("gpt2", "opt", "bert", "roberta", "distilbert", "gpt_neox", "bloom", "gpt_bigcode"))
_READ = frozenset(
    ("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "gemma", "gemma2", "gemma3_text",
     "phi3", "deepseek_v2", "deepseek_v3", "gpt2", "opt", "bert", "roberta", "gpt_neox", "falcon", "bloom",
     "starcoder2", "olmo", "olmo2", "cohere", "granite", "internlm2", "yi", "baichuan", "stablelm", "phi")
)  # fmt: skip


def _pieces(inner: Mapping[str, Any], config: Mapping[str, Any], shape: Architecture, dtype: str) -> Iterator[Piece]:
    """The matrices of the model, alike ones once with their number."""
    packed = _Packing(config)
    d, layers = shape.hidden, shape.layers
    tied = inner.get("tie_word_embeddings", config.get("tie_word_embeddings"))
    tied = (shape.model_type in _TIED) if tied is None else bool(tied)
    yield _table(shape.vocabulary * d, dtype, 1 if tied or shape.kind != "decoder" else 2)
    if (
        shape.model_type in {"gpt2", "opt", "bert", "roberta", "distilbert", "gpt_bigcode", "bart"}
        and shape.most_tokens
    ):
        yield _table(shape.most_tokens * d, dtype, 1)
    attention = _attention(inner, shape)
    for rows, columns in attention:
        yield packed.matrix(rows, columns, dtype, layers * (2 if shape.cross_layers else 1))
    if shape.cross_layers:  # the encoder beside the decoder: as many layers, each with its own attention
        encoder = _number(inner, ("encoder_layers", "num_layers")) or layers
        for rows, columns in attention:
            yield packed.matrix(rows, columns, dtype, encoder)
        layers += encoder
    yield from _feed_forward(inner, shape, packed, dtype, layers)
    yield Piece(dtype, d, int(d * ITEM[dtype]), matrix=False, times=2 * layers + 1)
    if shape.model_type in _BIASED:
        width = shape.feed_forward + 7 * d  # those of four projections, of the feed-forward, and of two norms
        yield Piece(dtype, width, int(width * ITEM[dtype]), matrix=False, times=layers)
    if shape.model_type in {"bert", "roberta"}:
        yield _table(d * d, dtype, 1)  # the pooler


def _attention(inner: Mapping[str, Any], shape: Architecture) -> list[tuple[int, int]]:
    """Rows and columns of the projections of one layer."""
    d, heads = shape.hidden, shape.heads
    if shape.latent:
        rank, rope = _number(inner, ("kv_lora_rank",)) or 0, _number(inner, ("qk_rope_head_dim",)) or 0
        nope, query = _number(inner, ("qk_nope_head_dim",)) or 0, _number(inner, ("q_lora_rank",))
        queries = [(query, d), (heads * (nope + rope), query)] if query else [(heads * (nope + rope), d)]
        values = shape.value_dim
        return [*queries, (rank + rope, d), (heads * (nope + values), rank), (d, heads * values)]
    kv = shape.kv_heads[0] if shape.kv_heads else _number(inner, _KV_HEADS) or heads
    return [
        (heads * shape.head_dim, d),
        (kv * shape.head_dim, d),
        (kv * shape.value_dim, d),
        (d, heads * shape.value_dim),
    ]


def _feed_forward(
    inner: Mapping[str, Any], shape: Architecture, packed: "_Packing", dtype: str, layers: int
) -> Iterator[Piece]:
    """The feed-forward matrices: dense ones, and those of experts."""
    d, matrices = shape.hidden, 3 if shape.gated else 2
    experts = _number(inner, EXPERTS)
    dense = _number(inner, ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "d_ff", "hidden_dim"))
    dense = dense or 4 * d
    if not experts:
        yield packed.matrix(dense, d, dtype, matrices * layers)
        return
    step = _number(inner, ("decoder_sparse_step", "moe_layer_freq")) or 1
    plain = _number(inner, ("first_k_dense_replace",), least=0) or 0
    mixed = max(0, (layers - plain) // step)
    each = _number(inner, ("moe_intermediate_size", "expert_ffn_hidden_size")) or dense
    shared = _number(inner, ("shared_expert_intermediate_size",), least=0)
    if shared is None:
        shared = each * (_number(inner, ("n_shared_experts",), least=0) or 0)
    yield packed.matrix(each, d, dtype, 3 * mixed * experts)
    yield Piece(dtype, d * experts, int(d * experts * ITEM[dtype]), matrix=False, times=mixed)
    if shared:
        yield packed.matrix(shared, d, dtype, 3 * mixed)
    if layers > mixed:
        yield packed.matrix(dense, d, dtype, matrices * (layers - mixed))


def _table(numel: int, dtype: str, times: int) -> Piece:
    return Piece(dtype, numel, int(numel * ITEM[dtype]), matrix=False, times=times)


_FLOAT8 = frozenset(("fp8", "fbgemm_fp8"))


class _Packing:
    """How `quantization_config` packs matrices. GPTQ and AWQ keep a scale, a zero point and (GPTQ) indices."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        found = config.get("quantization_config")
        found = found if isinstance(found, Mapping) else {}
        self.method = str(found.get("quant_method") or "")
        bits = found.get("bits", found.get("w_bit"))
        if bits is None and self.method == "bitsandbytes":
            bits = 4 if found.get("load_in_4bit") else 8 if found.get("load_in_8bit") else None
        if bits is None and self.method in _FLOAT8:
            bits = 8
        self.bits = bits if isinstance(bits, int) and bits in {2, 3, 4, 8} else None
        group = found.get("group_size", found.get("q_group_size", 128))
        self.group = group if isinstance(group, int) and 0 < group <= 1 << 20 else 1 << 20

    def matrix(self, rows: int, columns: int, dtype: str, times: int) -> Piece:
        """A matrix of a linear layer, packed where the configuration says so."""
        numel = rows * columns
        if self.bits is None or dtype not in FLOATING:
            return Piece(dtype, numel, int(numel * ITEM[dtype]), matrix=True, times=times)
        if self.method in _FLOAT8:  # one float32 for each block of 128 x 128 weights
            return Piece(
                "float8_e4m3fn", numel, numel + 4 * (-(-rows // 128) * -(-columns // 128)), matrix=False, times=times
            )
        scales = rows * -(-columns // self.group)
        extra = scales * 2 + scales * self.bits // 8 + (columns * 4 if self.method == "gptq" else 0)
        return Piece("packed", numel, numel * self.bits // 8 + extra, matrix=False, times=times)

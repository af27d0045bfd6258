"""What configurations and parameter names say of attention, and what its cache takes."""

from typing import Any

import pytest

from modeldoctor.facts.checkpoint import Tensor
from modeldoctor.predict.memory.architecture import ConfigError, from_config, from_tensors
from modeldoctor.predict.memory.attention import bytes_per_token, cache_bytes
from modeldoctor.predict.memory.parameters import sizes_from_config

LLAMA = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "torch_dtype": "bfloat16",
    "tie_word_embeddings": False,
}  # fmt: skip


def per_token(config: dict[str, Any]) -> int:
    shape = from_config(config)
    assert shape
    return bytes_per_token(shape, "float16")


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({}, 2 * 32 * 8 * 128 * 2),  # GQA
        ({"num_key_value_heads": None}, 2 * 32 * 32 * 128 * 2),  # MHA
        ({"num_key_value_heads": 1}, 2 * 32 * 1 * 128 * 2),  # MQA
        ({"head_dim": 256}, 2 * 32 * 8 * 256 * 2),
        ({"num_key_value_heads": [4] * 16 + [8] * 16}, 2 * 16 * (4 + 8) * 128 * 2),  # OpenELM, DeciLM
        ({"kv_lora_rank": 512, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128}, 32 * 576 * 2),  # MLA
        ({"layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"] * 8}, 2 * 8 * 8 * 128 * 2),
        ({"attn_layer_period": 8, "attn_layer_offset": 4}, 2 * 4 * 8 * 128 * 2),  # Jamba
        ({"hybrid_override_pattern": "M-M*" * 8}, 2 * 8 * 8 * 128 * 2),  # Nemotron-H
        ({"full_attention_interval": 4}, 2 * 8 * 8 * 128 * 2),  # Qwen3-Next
        ({"num_kv_shared_layers": 12}, 2 * 20 * 8 * 128 * 2),  # Gemma 3n
    ],
)  # fmt: skip
def test_the_cache_per_token(changes: dict[str, Any], size: int) -> None:
    assert per_token({**LLAMA, **changes}) == size


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12}, 2 * 12 * 768 * 2),
        ({"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71, "multi_query": True}, 2 * 32 * 64 * 2),
        ({"model_type": "gpt_bigcode", "n_embd": 2048, "n_layer": 24, "n_head": 16, "multi_query": True}, 2 * 24 * 128 * 2),
        ({"model_type": "mpt", "d_model": 4096, "n_layers": 32, "n_heads": 32, "attn_config": {"kv_n_heads": 8}}, 2 * 32 * 8 * 128 * 2),
        ({"model_type": "chatglm", "hidden_size": 4096, "num_layers": 28, "num_attention_heads": 32,
          "multi_query_attention": True, "multi_query_group_num": 2, "kv_channels": 128}, 2 * 28 * 2 * 128 * 2),
        ({"model_type": "llava", "text_config": LLAMA}, 2 * 32 * 8 * 128 * 2),
    ],
)  # fmt: skip
def test_the_names_that_families_give_their_keys(config: dict[str, Any], size: int) -> None:
    assert per_token(config) == size


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"sliding_window": 4096}, 32 * 4096),
        ({"sliding_window": 4096, "use_sliding_window": False}, 32 * 8192),
        ({"sliding_window": None}, 32 * 8192),
        ({"sliding_window": 1024, "layer_types": ["sliding_attention", "full_attention"] * 16}, 16 * 1024 + 16 * 8192),
        ({"sliding_window": 1024, "model_type": "gemma2"}, 16 * 1024 + 16 * 8192),
        ({"sliding_window": 512, "sliding_window_pattern": 8}, 28 * 512 + 4 * 8192),
        ({"sliding_window": 4096, "use_sliding_window": True, "max_window_layers": 28}, 28 * 8192 + 4 * 4096),
    ],
)
def test_sliding_windows(changes: dict[str, Any], kept: int) -> None:
    shape = from_config({**LLAMA, **changes})
    assert shape
    low, likely, high = cache_bytes(shape, 8192, "float16")
    assert likely == kept * 2 * 8 * 128 * 2
    assert low <= likely <= high == 32 * 8192 * 2 * 8 * 128 * 2  # servers that keep everything


def test_encoders_cache_nothing_and_pictures_have_their_tokens() -> None:
    shape = from_config({"model_type": "vit", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                         "image_size": 224, "patch_size": 16})  # fmt: skip
    assert shape
    assert (shape.kind, shape.kv_heads, shape.fixed_tokens) == ("encoder", (), 197)


def test_state_space_models_do_not_grow() -> None:
    shape = from_config({"model_type": "mamba2", "hidden_size": 2560, "num_hidden_layers": 64, "state_size": 128})
    assert shape
    assert not shape.kv_heads
    assert cache_bytes(shape, 100_000, "float16") == cache_bytes(shape, 1, "float16")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"num_hidden_layers": -3}, "num_hidden_layers"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers"),
        ({"hidden_size": float("nan")}, "hidden_size"),
        ({"num_attention_heads": 0}, "num_attention_heads"),
        ({"num_attention_heads": 33, "num_key_value_heads": 33}, "divide"),
        ({"num_key_value_heads": 5}, "divide"),
        ({"num_key_value_heads": True}, "num_key_value_heads"),
        ({"vocab_size": 1.5}, "vocab_size"),
    ],
)
def test_nonsense_is_named(changes: dict[str, Any], word: str) -> None:
    config = {**LLAMA, **changes}
    with pytest.raises(ConfigError, match=word):
        from_config(config)


def test_no_transformer() -> None:
    assert from_config({"model_type": "resnet", "embedding_size": 64}) is None
    assert from_config({}) is None


# --------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (LLAMA, 8_030_261_248),
        ({"model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 24, "num_attention_heads": 14, "num_key_value_heads": 2,
          "intermediate_size": 4864, "vocab_size": 151936, "tie_word_embeddings": True}, 494_032_768),
        ({"model_type": "mixtral", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
          "intermediate_size": 14336, "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2,
          "tie_word_embeddings": False}, 46_702_792_704),
        ({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "vocab_size": 50257, "n_positions": 1024}, 124_439_808),
        ({"model_type": "bert", "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
          "vocab_size": 30522, "max_position_embeddings": 512}, 109_482_240),
        ({"model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
          "num_key_value_heads": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256,
          "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3, "kv_lora_rank": 512, "q_lora_rank": 1536,
          "qk_rope_head_dim": 64, "qk_nope_head_dim": 128, "v_head_dim": 128, "vocab_size": 129280,
          "tie_word_embeddings": False}, 671_026_419_200),
    ],
    ids=lambda value: value.get("model_type") if isinstance(value, dict) else "",
)  # fmt: skip
def test_parameters_counted_from_a_configuration(config: dict[str, Any], parameters: int) -> None:
    """The published counts of models of these configurations."""
    shape = from_config(config)
    assert shape
    assert sizes_from_config(config, shape).parameters == pytest.approx(parameters, rel=0.002)


def test_packed_weights() -> None:
    config = {**LLAMA, "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}}
    shape = from_config(config)
    assert shape
    whole, packed = sizes_from_config(LLAMA, shape), sizes_from_config(config, shape)
    table = 2 * 128256 * 4096 * 2
    assert packed.weights_bytes - table == pytest.approx((whole.weights_bytes - table) / 4, rel=0.05)


def test_the_index_is_exact() -> None:
    shape = from_config(LLAMA)
    assert shape
    sizes = sizes_from_config(LLAMA, shape, 16_060_522_496)
    assert (sizes.weights_bytes, sizes.spread) == (16_060_522_496, 0.0)


# --------------------------------------------------------------------------- names


def tensors(*named: tuple[str, tuple[int, ...]]) -> list[Tensor]:
    return [Tensor(path, "float16", shape, (1,), None, 0, "cpu") for path, shape in named]


def test_names_of_a_llama() -> None:
    shape = from_tensors(
        tensors(
            ("model.embed_tokens.weight", (32000, 4096)),
            *((f"model.layers.{i}.self_attn.q_proj.weight", (4096, 4096)) for i in range(4)),
            *((f"model.layers.{i}.self_attn.k_proj.weight", (1024, 4096)) for i in range(4)),
            *((f"model.layers.{i}.mlp.gate_proj.weight", (11008, 4096)) for i in range(4)),
            *((f"model.layers.{i}.mlp.up_proj.weight", (11008, 4096)) for i in range(4)),
            ("lm_head.weight", (32000, 4096)),
        )
    )
    assert shape
    assert (shape.layers, shape.hidden, shape.feed_forward, shape.gated, shape.vocabulary) == (
        4,
        4096,
        11008,
        True,
        32000,
    )
    assert bytes_per_token(shape, "float16") == 2 * 4 * 1024 * 2


def test_names_of_gpt2_with_its_transposed_projections() -> None:
    shape = from_tensors(
        tensors(
            ("wte.weight", (50257, 768)),
            *((f"h.{i}.attn.c_attn.weight", (768, 2304)) for i in range(2)),
            *((f"h.{i}.mlp.c_fc.weight", (768, 3072)) for i in range(2)),
        )
    )
    assert shape
    assert (shape.hidden, shape.feed_forward, shape.gated) == (768, 3072, False)
    assert bytes_per_token(shape, "float16") == 2 * 2 * 768 * 2


def test_other_networks_give_nothing_away() -> None:
    assert from_tensors(tensors(("layer1.0.conv1.weight", (64, 64)), ("fc.weight", (1000, 512)))) is None
    assert from_tensors([]) is None

from tests.rules.builders import STATE, bad, checkpoint, good, saved, tensor


def layers(*dtypes, name="layers.{}.mlp.weight", shape=(8, 8)):
    return [tensor(name.format(number), shape, dtype) for number, dtype in enumerate(dtypes)]


USUAL = [
    *layers("bfloat16", "bfloat16"),
    *layers("float32", "float32", name="layers.{}.norm.weight", shape=(8,)),
    *layers("float32", "float32", name="layers.{}.router.weight"),
    *layers("float32", "float32", name="layers.{}.q_proj.lora_A.weight"),
    *layers("int64", "int64", name="layers.{}.num_batches_tracked", shape=()),
    tensor("embed.weight", (100, 8), "float32"),
    tensor("lm_head.weight", (100, 8), "bfloat16"),
]
QUANTISED = [
    *layers("int8", "int8", name="layers.{}.qweight"),
    *layers("float16", "float16", name="layers.{}.scales"),
    *layers("int32", "float16", name="layers.{}.mixed", shape=(4, 4)),
]


def half_with_norms():
    import torch

    model = torch.nn.Sequential(
        *(torch.nn.Sequential(torch.nn.Conv2d(2, 2, 3), torch.nn.BatchNorm2d(2)) for _ in "abc")
    )
    model.half()
    for block in model:
        block[1].float()
    return model.state_dict()


def patched():
    import torch

    state = torch.nn.Sequential(*(torch.nn.Linear(4, 4) for _ in "abc")).half().state_dict()
    state["1.weight"] = state["1.weight"].float()
    return state


CASES = [
    bad(
        "one block differs",
        checkpoint(tensors=layers("float16", "float16", "float32")),
        "`layers.0.mlp.weight` is float16, `layers.2.mlp.weight` is float32",
        "Half and Float",
        severity="warning",
    ),
    bad("one finding for all", checkpoint(tensors=[
        *layers("float16", "float32"), *layers("float16", "float32", name="layers.{}.attn.weight")]), "1 other case"),
    bad("float16 and bfloat16", checkpoint(tensors=[tensor("a", (8, 8), "float16"), tensor("b", (8, 8), "bfloat16")]),
        "mixes bfloat16 and float16", "65,504"),
    bad("by torch", saved(patched), "`0.weight` is float16, `1.weight` is float32"),
    good("norms, routers, adapters and embeddings in float32", checkpoint(tensors=USUAL)),
    good("quantised", checkpoint(tensors=QUANTISED)),
    good("batch norms in float32 by torch", saved(half_with_norms)),
    good("one type", checkpoint(tensors=layers("float16", "float16"))),
    good("equal names of other shapes", checkpoint(tensors=[
        tensor("down.0.w", (8, 4), "float16"), tensor("down.1.w", (4, 2), "float32")])),
    good("a state_dict", STATE),
]  # fmt: skip

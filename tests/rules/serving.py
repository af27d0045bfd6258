"""Memory facts for rule tests: a model of a given size, served as the case says."""

from typing import Any

from modeldoctor.facts.checkpoint import Checkpoint, Tensor
from modeldoctor.facts.memory import Card, Memory, Serving
from modeldoctor.predict.memory.estimate import Given, estimate
from tests.rules.builders import checkpoint

MIB = 1 << 20
GIB = 1 << 30
# A decoder without anything unusual: 128 KiB of cache per token in float16.
DECODER = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 8192,
}  # fmt: skip


def card(gib: float = 16.0, name: str = "T4") -> Card:
    return Card(name, int(gib * GIB), 75, "test", from_driver=False)


def model(mib: int = 1024, dtype: str = "float32", optimizer_mib: int = 0) -> Checkpoint:
    """A checkpoint whose weights have so many MiB in eight matrices."""
    item = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}[dtype]
    columns = mib * MIB // 8 // item // 1024
    head = "model." if optimizer_mib else ""
    tensors = [
        Tensor(f"{head}layer{number}.weight", dtype, (1024, columns), (columns, 1), None, 0, "cpu")
        for number in range(8)
    ]
    anatomy: dict[str, Any] = {"weights_bytes": mib * MIB, "storage_bytes": mib * MIB, "parameters": mib * MIB // item}
    if optimizer_mib:
        size = optimizer_mib * MIB // 4
        tensors.append(Tensor("optimizer.state", "float32", (size,), (1,), None, 0, "cpu"))
        anatomy |= {
            "contents": "training", "weights_key": "model", "optimizer_bytes": optimizer_mib * MIB,
            "storage_bytes": (mib + optimizer_mib) * MIB,
        }  # fmt: skip
    else:
        anatomy["contents"] = "state_dict"
    return checkpoint(tensors=tensors, anatomy=anatomy, size_bytes=(mib + optimizer_mib) * MIB)


def served(subject: Checkpoint | None = None, given: Given | None = None, **serving: Any) -> Memory:
    """The estimate of a model that is served so."""
    return estimate(subject or model(), Serving(**serving), given)


def decoder(context: int | None = 2048, **serving: Any) -> Memory:
    """A language model of 15 GiB, by its configuration alone."""
    subject = checkpoint("model-folder", config={**DECODER, "torch_dtype": "bfloat16", "tie_word_embeddings": False})
    return estimate(subject, Serving(context=context, **serving))

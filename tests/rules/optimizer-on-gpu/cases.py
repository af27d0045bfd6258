from modeldoctor.facts.checkpoint import Part, Tensor
from tests.rules.builders import bad, checkpoint, good

MIB = 1 << 20


def training(device: str, mib: int = 128):
    tensors = [
        Tensor("model.weight", "float32", (64 * MIB // 4,), (1,), None, 0, device),
        Tensor("optimizer.state.0.exp_avg", "float32", (mib * MIB // 4,), (1,), None, 0, device),
    ]
    anatomy = {
        "contents": "training", "weights_key": "model", "weights_bytes": 64 * MIB, "optimizer_bytes": mib * MIB,
        "parts": (Part("model", "weights", 1, 64 * MIB), Part("optimizer", "optimizer", 1, mib * MIB)),
    }  # fmt: skip
    return checkpoint(tensors=tensors, anatomy=anatomy)


CASES = [
    bad("saved on a GPU", training("cuda:0"), "128.0 MiB", "64.0 MiB", "map_location", gpus="t4"),
    bad("target not known", training("cuda:1"), "optimizer state on the GPU"),
    good("saved on the CPU", training("cpu"), gpus="t4"),
    good("a target without GPUs", training("cuda:0"), cuda="cpu"),
    good("little of it", training("cuda:0", 8), gpus="t4"),
]

"""MDR406: optimizer state that `torch.load` puts on the GPU."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import memory, quoted

# Below this the GPU has room for it.
_WORTH_BYTES = 64 << 20


@rule(
    Checkpoint,
    code="MDR406",
    slug="optimizer-on-gpu",
    severity=Severity.WARNING,
    since="0.1",
    summary="the file puts optimizer state on the GPU when it is loaded without map_location",
)
def optimizer_on_gpu(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The optimizer's tensors carry a CUDA device, so that loading the checkpoint fills the GPU with them.

    ## What it finds
    A training checkpoint of torch.save with at least 64 MB of optimizer state whose storages are tagged `cuda`. Files
    whose tensors are tagged `cpu` pass, and so do targets without a GPU, where loading fails for another reason.

    ## Why it matters
    `torch.load` restores each storage on the device that it was saved from. Adam's state is twice the size of the
    weights, so the load takes three times what serving needs on the GPU, beside the model that may be there. The
    caching allocator keeps that memory reserved after the checkpoint is freed.

    ## Seen as
    * `torch.OutOfMemoryError: CUDA out of memory` in `torch.load`, although the model would fit
    * A process whose memory in `nvidia-smi` is three times its weights

    ## Fix
    ```python
    checkpoint = torch.load("last.ckpt", map_location="cpu", mmap=True)
    model.load_state_dict(checkpoint["state_dict"])
    ```

    ## References
    * `torch/serialization.py`, `default_restore_location`
    * https://pytorch.org/docs/stable/generated/torch.load.html, the note on a surge of GPU memory
    """
    if context.part or checkpoint.state != "understood" or context.target.cpu_only:
        return
    useless = checkpoint.anatomy.optimizer_bytes
    if useless < _WORTH_BYTES:
        return
    names = tuple(f"{part.name}." for part in checkpoint.anatomy.parts if part.kind == "optimizer")
    tagged = {
        tensor.storage
        for tensor in checkpoint.tensors
        if tensor.storage is not None and tensor.device.startswith("cuda") and tensor.path.startswith(names)
    }
    size = sum(checkpoint.storages[storage].size_bytes for storage in tagged)
    if not names or size < _WORTH_BYTES:
        return
    yield Hit(
        f"torch.load puts {memory(size)} of optimizer state on the GPU, beside "
        f"{memory(checkpoint.anatomy.weights_bytes)} of weights",
        fix='torch.load(path, map_location="cpu", mmap=True), and give only the weights to the model',
        notes=(("tagged", ", ".join(quoted(name[:-1]) for name in names[:3])),),
    )

"""What the content rules share: which tensors are the weights, and how they are reached in code."""

from modeldoctor.facts.checkpoint import Checkpoint, Tensor
from modeldoctor.wording import literal

_WEIGHTS = frozenset({"weights", "ema"})
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})

# What no real key reaches, and a hostile one may: the code is cut there.
_LONGEST_KEY = 500


def weights(checkpoint: Checkpoint) -> tuple[Tensor, ...]:
    """The tensors of the model: without those of optimizers, schedulers and random number generators."""
    anatomy = checkpoint.anatomy
    if anatomy.weights_key is None and anatomy.contents != "training":
        return checkpoint.tensors
    # Every kind of weights counts (an EMA copy too), wherever the one to serve lies.
    names = {part.name for part in anatomy.parts if part.kind in _WEIGHTS}
    if anatomy.weights_key:
        names.add(anatomy.weights_key)
    prefixes = tuple(f"{name}." for name in names)
    return tuple([tensor for tensor in checkpoint.tensors if tensor.path.startswith(prefixes) or tensor.path in names])


def is_weights_file(checkpoint: Checkpoint) -> bool:
    """Whether the file was read and is no other program's archive."""
    return checkpoint.state == "understood" and bool(checkpoint.tensors)


def load_code(checkpoint: Checkpoint) -> str:
    """The expression that loads the weights in Python."""
    path = literal(checkpoint.path.rpartition("/")[2])
    if checkpoint.format == "safetensors":
        return f"load_file({path})"
    keys = (checkpoint.anatomy.weights_key or "")[:_LONGEST_KEY].split(".")
    key = "".join(f"[{literal(part)}]" for part in keys if part)
    return f'torch.load({path}, map_location="cpu"){key}'


def new_file(checkpoint: Checkpoint) -> str:
    """The name, as a Python literal, of what a fix writes: the old one with `-weights` behind it."""
    name = checkpoint.path.rpartition("/")[2]
    return literal(f"{name.rpartition('.')[0] or name}-weights.pt")

"""The estimate for a checkpoint on the GPUs of a target, where nothing else is known of how it is served."""

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.facts.memory import Memory, Serving
from modeldoctor.predict.memory.devices import cards
from modeldoctor.predict.memory.estimate import estimate


def memory_of(checkpoint: Checkpoint, target: Target) -> Memory | None:
    """What one process with the model needs there; None for a host without a GPU. UsageError for an unknown GPU."""
    names = tuple(value.text for value in target.gpus or ())
    if not names or target.cpu_only:
        return None
    return estimate(checkpoint, serving_on(target, names))


def serving_on(target: Target, names: tuple[str, ...]) -> Serving:
    """One process, one item at a time, on the first of these GPUs."""
    return Serving(
        gpus=cards(names, None, None),
        torch=target.torch.text if target.torch else None,
        cuda=target.cuda.text if target.cuda else None,
    )

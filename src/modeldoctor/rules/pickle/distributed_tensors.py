"""MDR230: tensors that are pieces of a distributed run."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.wording import listing

# Classes whose instances hold one rank's share (torch/distributed/tensor, torch/distributed/_shard).
_DTENSOR = "DTensor"
_SHARDED = "ShardedTensor"


@rule(
    Checkpoint,
    code="MDR230",
    slug="distributed-tensors",
    severity=Severity.WARNING,
    since="0.1",
    summary="tensors were saved as shares of a distributed run",
)
def distributed_tensors(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The state_dict was saved from FSDP, tensor parallelism or another distributed run without being gathered first.

    ## What it finds
    `DTensor` and `ShardedTensor` objects in the pickle. Each file of such a run holds what one rank had; the whole
    weights are spread over all of them.

    ## Why it matters
    The file cannot be served as it is. The restricted loader does not know the class before `torch.distributed.tensor`
    is imported; without the restriction the objects come back and do not fit a plain model. With more than one rank,
    the values in one file are only a share, and a `ShardedTensor` wants the process group of the run to exist.

    ## Seen as
    * ``_pickle.UnpicklingError: Weights only load failed. ``torch.distributed.tensor`` must be imported to load
      DTensors``
    * `RuntimeError: Error(s) in loading state_dict … ('aten.copy_.default got mixed torch.Tensor and DTensor, need to
      convert all torch.Tensor to DTensor before calling distributed operators!',)`
    * `RuntimeError: Need to initialize default process group using "init_process_group" before loading ShardedTensor`

    ## Fix
    Gather on all ranks, save on the first:

    ```python
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
    state = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    if torch.distributed.get_rank() == 0:
        torch.save(state, "model.pt")
    ```

    A file of one rank is repaired with `{k: v.full_tensor() if hasattr(v, "full_tensor") else v for k, v in …}`, run
    with the world size of the training.

    ## References
    * `torch/distributed/tensor/_api.py`, `DTensor.full_tensor`; `torch/distributed/_shard/sharded_tensor/api.py`,
      `__setstate__`
    """
    del context
    found = [
        (pickle.member, item)
        for pickle in checkpoint.pickles
        for item in pickle.globals
        if item.module.startswith("torch.distributed") and item.name in {_DTENSOR, _SHARDED}
    ]
    if not found:
        return
    member, first = found[0]
    sharded = any(item.name == _SHARDED for _, item in found)
    yield Hit(
        f"tensors are {first.name} objects, shares of a distributed run: a plain model can't load them",
        where=place(checkpoint, member, first.position),
        fix="gather first, then save on rank 0: "
        "`get_model_state_dict(model, options=StateDictOptions(full_state_dict=True))`",
        notes=(
            *((("tensors", listing(first.paths)),) if first.paths else ()),
            (
                "seen as",
                'RuntimeError: Need to initialize default process group using "init_process_group"'
                if sharded
                else "Weights only load failed. ``torch.distributed.tensor`` must be imported to load DTensors",
            ),
        ),
        key=first.name,
    )

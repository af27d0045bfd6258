"""MDR227: a file without a single weight."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import listing, size

# What trainers write beside the weights: no weights are expected there.
_COMPANIONS = ("training_args", "trainer_state", "optim", "scheduler", "scaler", "rng_state", "random_states", "args")
_FORMATS = frozenset({"torch-zip", "torch-legacy", "torch-tar", "safetensors", "sharded"})


@rule(
    Checkpoint,
    code="MDR227",
    slug="no-weights",
    severity=Severity.WARNING,
    since="0.1",
    summary="the file holds no weights",
)
def no_weights(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file is sound, and there is no model in it: settings, an empty state_dict, or only the state of an optimizer.

    ## What it finds
    torch and safetensors files without any tensor, and training checkpoints that hold an optimizer and no model. Files
    whose name says that they are something else (`training_args.bin`, `optimizer.pt`, `rng_state.pth`) pass.

    ## Why it matters
    Loading succeeds, so that nothing stops the deployment. `load_state_dict({}, strict=False)` is happy with an empty
    file, and the service answers from random weights. It happens when the arguments of `torch.save` were mixed up, when
    a hook removed all parameters from the state_dict, when rank 1 of a distributed run saved its (empty) share over the
    file of rank 0, and when a wrong file of a checkpoint folder was copied.

    ## Seen as
    * `RuntimeError: Error(s) in loading state_dict for Net: Missing key(s) in state_dict: …` with every key of the
      model
    * `KeyError: 'state_dict'`
    * Nothing with `strict=False`, and predictions at chance level

    ## Fix
    Save the weights, on the rank that has them, and look at the file before it is shipped:

    ```python
    if torch.distributed.get_rank() == 0:
        torch.save(model.state_dict(), "model.pt")
    ```

    ```sh
    modeldoctor inspect model.pt
    ```

    ## References
    * `torch/nn/modules/module.py`, `load_state_dict`: what `strict=False` lets pass
    """
    anatomy = checkpoint.anatomy
    if context.part or checkpoint.state != "understood" or checkpoint.format not in _FORMATS or checkpoint.problems:
        return
    if checkpoint.path.rpartition("/")[2].lower().startswith(_COMPANIONS):
        return
    parts = [part.name for part in anatomy.parts]
    if not checkpoint.tensors:
        if checkpoint.storages:
            return  # bare storages, or tensors in objects that could not be followed
        what = f"the file holds no tensor, only {listing(parts)}" if parts else "the file holds no tensor"
    elif anatomy.optimizer_bytes and not anatomy.weights_bytes:
        what = f"the file holds optimizer state ({size(anatomy.optimizer_bytes)}) and no weights"
    else:
        return
    yield Hit(
        what,
        severity=Severity.WARNING if context.explicit or context.strict else Severity.INFO,
        fix="save the weights: `torch.save(model.state_dict(), path)`",
        notes=(("why", "with strict=False such a file loads without a word, and the weights stay random"),),
    )

"""MDR220: optimizer state and the like in a file that is meant for serving."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Part
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import load_code, new_file
from modeldoctor.wording import listing, share, size

# Below this nobody's start-up suffers: SGD without momentum keeps a few numbers.
_WORTH_BYTES = 1_000_000
_WORTH_PART = 10  # a tenth
_TRAINING = frozenset({"optimizer", "scheduler", "scaler", "rng"})


@rule(
    Checkpoint,
    code="MDR220",
    slug="training-state-shipped",
    severity=Severity.WARNING,
    since="0.1",
    summary="the file carries optimizer state that serving does not need",
)
def training_state_shipped(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """A training checkpoint stands where a model should: it also holds what only a resumed training needs.

    ## What it finds
    Tensors of an optimizer (Adam's `exp_avg` and `exp_avg_sq`, SGD's `momentum_buffer`), with their bytes and their
    share of the file, and the key under which the weights lie. A warning from 1 MB or a tenth of the file on, else an
    info. In a model folder: an `optimizer.pt` of more than 1 MB beside the weights.

    ## Why it matters
    Adam keeps two numbers for each parameter, so two thirds of such a file are of no use to a service. All of it is
    downloaded, stored in every image layer and read at start-up: `torch.load` needs memory for the whole file before
    the first line of your code can throw the optimizer away. Training state also brings values that the restricted
    loader refuses (a `numpy.float64` as best loss, an `argparse.Namespace`), so that `weights_only=True` fails on a
    file whose weights would pass.

    ## Seen as
    * A pod that is killed while it loads (`OOMKilled`, exit code 137) although the model would fit
    * `RuntimeError: Error(s) in loading state_dict for Net: Missing key(s) in state_dict: "conv1.weight" … Unexpected
      key(s) in state_dict: "epoch", "optimizer"` when the whole checkpoint is given to `load_state_dict`

    ## Fix
    Keep the checkpoint for training, and ship the weights:

    ```python
    checkpoint = torch.load("last.ckpt", map_location="cpu")
    torch.save(checkpoint["state_dict"], "weights.pt")
    ```

    Ultralytics: `from ultralytics.utils.torch_utils import strip_optimizer; strip_optimizer("last.pt")`. Lightning:
    `Trainer(callbacks=[ModelCheckpoint(save_weights_only=True)])`. Hugging Face Trainer: `save_only_model=True`.

    ## References
    * `torch/optim/adam.py`, `_init_group`: the state of a parameter
    """
    if context.part or checkpoint.state != "understood":
        return
    if checkpoint.format == "model-folder":
        yield from _in_folder(checkpoint)
        return
    anatomy = checkpoint.anatomy
    useless = anatomy.optimizer_bytes
    if not useless or not _has_weights(checkpoint):
        return
    whole = anatomy.storage_bytes or checkpoint.size_bytes
    extra = [part.name for part in anatomy.parts if part.kind in _TRAINING]
    key = anatomy.weights_key
    yield Hit(
        f"{share(useless, whole)} of the tensors are optimizer state: {size(useless)} of {size(whole)}, "
        f"serving needs the {size(anatomy.weights_bytes)} of weights",
        severity=Severity.WARNING if useless >= min(_WORTH_BYTES, whole // _WORTH_PART) else Severity.INFO,
        fix=f"torch.save({load_code(checkpoint)}, {new_file(checkpoint)})"
        if key
        else "save only the state_dict of the model: `torch.save(model.state_dict(), path)`",
        notes=(
            *((("keep", f"the key `{key}`"),) if key else ()),
            *((("drop", listing(extra)),) if extra else ()),
        ),
    )


def _in_folder(folder: Checkpoint) -> Iterator[Hit]:
    """The Trainer of transformers keeps the optimizer in a file of its own."""
    files = [child for child in folder.children if child.anatomy.optimizer_bytes and not _has_weights(child)]
    useless = sum(child.size_bytes for child in files)
    if useless < _WORTH_BYTES:
        return
    names = [child.path.rpartition("/")[2] for child in files]
    yield Hit(
        f"{listing(names)} {'is' if len(names) == 1 else 'are'} optimizer state: {size(useless)} of "
        f"{size(folder.size_bytes)} ({share(useless, folder.size_bytes)}) that serving does not need",
        fix="leave it out of what is deployed, with scheduler.pt, rng_state.pth and training_args.bin; the Trainer "
        "doesn't write it with save_only_model=True",
        key=names[0],
    )


def _has_weights(checkpoint: Checkpoint) -> bool:
    """Whether there is something to serve: an `optimizer.pt` beside the model is what its name says."""
    if checkpoint.anatomy.weights_bytes:
        return True
    return any(_is_weights(part) for part in checkpoint.anatomy.parts)


def _is_weights(part: Part) -> bool:
    return part.kind in {"weights", "ema"} and part.tensors > 0

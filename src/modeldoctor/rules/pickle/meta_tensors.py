"""MDR228: tensors without values."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import is_weights_file
from modeldoctor.wording import count, listing


@rule(
    Checkpoint,
    code="MDR228",
    slug="meta-tensors",
    severity=Severity.ERROR,
    since="0.1",
    summary="tensors were saved from the meta device: they have a shape and no values",
)
def meta_tensors(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Tensors in the file live on the meta device, which knows shapes and dtypes only. Their values were never saved.

    ## What it finds
    Tensors that were pickled with `_rebuild_meta_tensor_no_storage`, or whose storage is tagged `meta`.

    ## Why it matters
    A model that was built under `torch.device("meta")`, with accelerate's `init_empty_weights` or offloaded with
    `device_map="auto"` has no values in (some of) its parameters. Its `state_dict()` can be saved without an error, and
    the file is suspiciously small. The weights are not in there, and nothing brings them back. `map_location` does not
    help either: the loaded tensor stays on meta.

    ## Seen as
    * `NotImplementedError: Cannot copy out of meta tensor; no data! Please use torch.nn.Module.to_empty() instead of
      torch.nn.Module.to() when moving module from meta to a different device.`
    * `RuntimeError: Error(s) in loading state_dict for Linear: While copying the parameter named "weight", … an
      exception occurred : ('Cannot copy out of meta tensor; no data!',).`

    ## Fix
    Bring the weights in before saving, and save from there:

    ```python
    model = AutoModel.from_pretrained(name, device_map="cpu")     # not "auto" with offloading
    torch.save(model.state_dict(), "model.pt")
    ```

    With accelerate: `accelerator.get_state_dict(model)` gathers offloaded parameters.

    ## References
    * `torch/_utils.py`, `_rebuild_meta_tensor_no_storage`; https://pytorch.org/docs/stable/meta.html
    """
    if context.part or not is_weights_file(checkpoint):
        return
    meta = [tensor.path for tensor in checkpoint.tensors if tensor.layout == "meta" or tensor.device == "meta"]
    if not meta:
        return
    of = "" if len(meta) == len(checkpoint.tensors) else f" of {len(checkpoint.tensors):,}"
    yield Hit(
        f"{count(len(meta), 'tensor')}{of} {'is' if len(meta) == 1 else 'are'} on the meta device: "
        f"{'its' if len(meta) == 1 else 'their'} values are not in the file",
        fix="load the real weights before saving: build the model without `meta` or `init_empty_weights`",
        notes=(
            ("tensors", listing(meta)),
            ("seen as", "NotImplementedError: Cannot copy out of meta tensor; no data!"),
        ),
    )

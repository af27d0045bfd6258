"""MDR124: safetensors without the metadata that transformers asks for."""

import re
from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import quoted

# transformers/modeling_utils.py, load_state_dict.
_ACCEPTED = frozenset({"pt", "tf", "flax", "mlx"})
# transformers/utils/__init__.py, SAFE_WEIGHTS_NAME, and its shards.
_WEIGHTS_NAME = re.compile(r"(?:^|/)model(?:-\d{5}-of-\d{5})?(?:\.[\w-]+)?\.safetensors$")


@rule(
    Checkpoint,
    code="MDR124",
    slug="safetensors-metadata",
    severity=Severity.INFO,
    since="0.1",
    summary="the safetensors file lacks the metadata that transformers checks",
)
def safetensors_metadata(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The header has no `"format": "pt"`, which `save_pretrained` writes and `from_pretrained` looks for.

    ## What it finds
    Two cases that sound alike and end differently:

    * No `__metadata__` at all: an info. transformers treated that as an error until 4.47 (shards) and about 4.51
      (single files), later releases assume PyTorch.
    * `__metadata__` without a `format` of `pt`, `tf`, `flax` or `mlx` (an empty one, or one with notes of your own):
      every release of transformers refuses the file. A warning under the names that transformers loads
      (`model.safetensors`, `model-00001-of-00002.safetensors`), else an info.

    ## Why it matters
    `safetensors.torch.load_file`, timm, diffusers for most parts and `torch.load` do not care, so the file works in the
    notebook that wrote it and fails in the service that calls `from_pretrained`. Conversion scripts that call
    `save_file(state, path)` or `save_file(state, path, metadata={"step": "1000"})` produce it.

    ## Seen as
    * `AttributeError: 'NoneType' object has no attribute 'get'` in `modeling_utils.py`, at `metadata.get("format")` (no
      metadata, older transformers)
    * `OSError: The safetensors archive passed at model.safetensors does not contain the valid metadata. Make sure you
      save your model with the save_pretrained method.` (metadata without format)
    * `ValueError: Incompatible safetensors file. File metadata is not ['pt', 'tf', 'flax', 'mlx'] but None`

    ## Fix
    ```python
    from safetensors.torch import load_file, save_file
    save_file(load_file("model.safetensors"), "model.new.safetensors", metadata={"format": "pt"})
    ```

    ## References
    * `transformers/modeling_utils.py`, `load_state_dict`
    * safetensors issue 549, ml-explore/mlx issue 743, hiyouga/LlamaFactory issue 6803, deepseek-ai/DeepSeek-V3 pull 749
    """
    del context
    if checkpoint.format != "safetensors" or checkpoint.state != "understood":
        return
    if checkpoint.problems or not checkpoint.tensors:
        return  # every reader refuses it anyway, or there is nothing to load
    metadata = dict(checkpoint.extras).get("metadata")
    given = metadata.get("format") if isinstance(metadata, dict) else None
    if given in _ACCEPTED:
        return
    if metadata is None:
        what, error = "has no metadata", "AttributeError: 'NoneType' object has no attribute 'get' (until 4.51)"
    else:
        what = (
            f"has metadata with the format {quoted(given)}"
            if isinstance(given, str)
            else "has metadata without a format"
        )
        error = "OSError: The safetensors archive passed at … does not contain the valid metadata (every release)"
    expected = _WEIGHTS_NAME.search(checkpoint.path.replace("\\", "/"))
    yield Hit(
        f"the header {what}: transformers {'releases until 4.51 refuse' if metadata is None else 'refuses'} the file",
        severity=Severity.WARNING if metadata is not None and expected else Severity.INFO,
        fix='write it again with `save_file(tensors, path, metadata={"format": "pt"})`',
        notes=(("seen as", error),),
    )

"""MDR126: an adapter that needs its base model."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import listing, quoted


@rule(
    Checkpoint,
    code="MDR126",
    slug="adapter-alone",
    severity=Severity.INFO,
    since="0.1",
    summary="an adapter (PEFT, LoRA) that is no model without its base model",
)
def adapter_alone(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The folder holds an adapter: the changes of a fine-tune, to be put on top of a base model.

    ## What it finds
    A folder with `adapter_config.json`. Named are the base model that the adapter was trained on, its kind, rank and
    the layers that it changes. A warning when the base model is a path on somebody's disk, which no other machine has.

    ## Why it matters
    The few megabytes are complete as an adapter and useless alone: the service needs the base model too, in the very
    revision that was trained on, and the memory of both. With `base_model_name_or_path` set to `/home/alice/llama-2-7b`
    the load works on Alice's machine and nowhere else. The prefix `base_model.model.` in the keys belongs there; do not
    strip it.

    ## Seen as
    * `OSError: … does not appear to have a file named pytorch_model.bin, model.safetensors, tf_model.h5 …`
      (`from_pretrained` of a plain model class, without the `peft` package)
    * `OSError: Incorrect path_or_model_id: '/home/alice/llama-2-7b'`, or `HFValidationError: Repo id must be in the
      form 'repo_name' or 'namespace/repo_name'`
    * `RuntimeError: Error(s) in loading state_dict … Unexpected key(s) in state_dict: "base_model.model. …"`

    ## Fix
    Load it on its base, or merge both once and ship a model that stands alone:

    ```python
    from peft import AutoPeftModelForCausalLM
    model = AutoPeftModelForCausalLM.from_pretrained("adapter/")
    model.merge_and_unload().save_pretrained("merged/")
    ```

    ## References
    * PEFT checkpoint format: https://huggingface.co/docs/peft/developer_guides/checkpoint
    """
    del context
    adapter = checkpoint.adapter
    if adapter is None:
        return
    base = quoted(adapter.base_model) if adapter.base_model else "a base model that its configuration does not name"
    rank = f" of rank {adapter.rank}" if adapter.rank is not None and 0 < adapter.rank < 10**6 else ""
    local = bool(adapter.base_model) and _is_local(adapter.base_model or "")
    yield Hit(
        f"this is an adapter ({adapter.kind}{rank}): it cannot be loaded without {base}"
        + (", a path on the machine that trained it" if local else ""),
        severity=Severity.WARNING if local else Severity.INFO,
        fix="ship the base model too, or merge them once: `peft_model.merge_and_unload().save_pretrained('merged')`",
        notes=(("changes", listing(adapter.targets)),) if adapter.targets else (),
    )


def _is_local(name: str) -> bool:
    """Whether the base model is a path; Hub names have at most one slash, and neither drive nor leading dot."""
    return name.startswith(("/", ".", "~", "\\")) or name[1:2] == ":" or name.count("/") > 1

"""MDR123: a safetensors header that its readers refuse."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import cut_or_sealed, problems_of, seen

# Kind → (what is wrong, the message of safetensors 0.6 and later, the name of the error before).
_KINDS = {
    "safetensors-header": (
        "the header is not what safetensors accepts",
        "invalid JSON in header, invalid UTF-8 in header, header too large or invalid header start",
        "InvalidHeaderDeserialization",
    ),
    "safetensors-shape": (
        "shape, dtype and offsets of a tensor do not agree",
        "invalid shape, data type, or offset for tensor",
        "TensorInvalidInfo",
    ),
    "safetensors-range": (
        "a tensor lies outside the data of the file",
        "incomplete metadata, file not fully covered",
        "MetadataIncompleteBuffer",
    ),
    "safetensors-overlap": ("tensors overlap", "invalid offset for tensor `a`", 'InvalidOffset("a")'),
    "safetensors-hole": ("there are bytes between the tensors", "invalid offset for tensor `a`", 'InvalidOffset("a")'),
}


@rule(
    Checkpoint,
    code="MDR123",
    slug="safetensors-layout",
    severity=Severity.ERROR,
    since="0.1",
    summary="the header of the safetensors file breaks the rules of the format",
)
def safetensors_layout(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The header of a safetensors file describes tensors in a way that every reader refuses.

    ## What it finds
    A header that is no JSON object, no UTF-8, does not start with `{` or is longer than 100 MB; tensors whose bytes
    overlap, leave holes between them, reach past the end or do not have the length that shape and dtype ask for. A file
    that is merely cut off at the end is reported by the rule `truncated`.

    ## Why it matters
    The format forbids all of this so that a file cannot mean two things: bytes in a hole could carry anything,
    overlapping tensors could save memory and surprise whoever writes to one of them. The safetensors library, and with
    it transformers, diffusers and `torch.load` from 2.13 on, refuses the whole file. Such files come from writers of
    one's own, from editing the header in place, and from tied weights that a script wrote once but listed twice.

    ## Seen as
    `SafetensorError: Error while deserializing header:` followed by

    * `invalid JSON in header: …` or `invalid UTF-8 in header: …` (before safetensors 0.6
      `InvalidHeaderDeserialization`)
    * `header too large`, `invalid header length` (`HeaderTooLarge`, `InvalidHeaderLength`)
    * ``invalid offset for tensor `a` `` for overlaps and holes (`InvalidOffset("a")`)
    * `incomplete metadata, file not fully covered` for what lies outside (`MetadataIncompleteBuffer`)
    * `invalid shape, data type, or offset for tensor` (`TensorInvalidInfo`)

    ## Fix
    Write the file with the library. For weights that share memory use the function that knows about it:

    ```python
    safetensors.torch.save_model(model, "model.safetensors")     # names tied tensors once
    safetensors.torch.save_file({k: v.contiguous() for k, v in state.items()}, "model.safetensors")
    ```

    ## References
    * The format: https://github.com/huggingface/safetensors#format; `safetensors/src/tensor.rs`, `Metadata::validate`
    """
    del context
    problems = problems_of(checkpoint, *_KINDS)
    if not problems or cut_or_sealed(checkpoint):
        return
    what, error, before = _KINDS[problems[0].kind]
    problems += problems_of(checkpoint, "duplicate-member")
    yield Hit(
        what if len(problems) > 1 else f"{what}: {problems[0].text}",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        fix="write the file again with `safetensors.torch.save_file` or `save_model`",
        notes=(
            *(seen(problems) if len(problems) > 1 else ()),
            ("seen as", f"SafetensorError: Error while deserializing header: {error} (before 0.6: {before})"),
        ),
        key=problems[0].kind,
    )

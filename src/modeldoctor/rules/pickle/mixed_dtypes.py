"""MDR226: weights whose precision changes from layer to layer."""

import re
from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint, Tensor
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import FLOATS, is_weights_file, weights
from modeldoctor.wording import count, listing, quoted

_NUMBER = re.compile(r"\d+")
_HALVES = frozenset({"float16", "bfloat16"})


@rule(
    Checkpoint,
    code="MDR226",
    slug="mixed-dtypes",
    severity=Severity.WARNING,
    since="0.1",
    summary="equal layers of the model have different floating-point types",
)
def mixed_dtypes(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Weights that should be alike are not: the same layer is float16 in one block and float32 in the next.

    ## What it finds
    Two things that no training writes on purpose:

    * matrices of the same name and shape in different blocks (`layers.3.mlp.weight`, `layers.7.mlp.weight`) with
      different floating-point types
    * float16 and bfloat16 matrices in one model

    Usual mixtures pass: norms, biases, routers and heads in float32 beside half-precision layers, integer buffers
    (`num_batches_tracked`), quantised weights with their scales, LoRA matrices in float32 over a half-precision base.

    ## Why it matters
    The file was put together from several: shards of two conversions, an average of checkpoints of different
    precision, a conversion that stopped half-way, a merge of an adapter into some of the layers. The weights may be
    right all the same; what the file costs is a surprise at run time, because float16 reaches 65,504 and bfloat16 does
    not overflow, and because a whole module computes each layer in the type that it has.

    ## Seen as
    * `RuntimeError: mat1 and mat2 must have the same dtype, but got Half and Float`
    * `RuntimeError: expected m1 and m2 to have the same dtype, but got: float != c10::Half` (older releases)
    * `inf` or `nan` in the output (bfloat16 weights that were squeezed into float16)

    ## Fix
    Convert everything once, to the type that you serve in:

    ```python
    state = torch.load("model.pt", map_location="cpu")
    state = {k: v.to(torch.bfloat16) if v.is_floating_point() else v for k, v in state.items()}
    torch.save(state, "model.bf16.pt")
    ```

    ## References
    * Type promotion is not done by matrix products: `aten/src/ATen/native/LinearAlgebra.cpp`
    """
    if context.part or not is_weights_file(checkpoint):
        return
    used = FLOATS & set(dict(checkpoint.anatomy.tensors_by_dtype))
    if len(used) < 2:
        return
    matrices = [
        tensor
        for tensor in weights(checkpoint)
        if tensor.dtype in used and len(tensor.shape) >= 2 and tensor.layout == "strided"
    ]
    alike = _differing(matrices)
    if alike:
        first, second = alike[0]
        yield Hit(
            f"equal layers have different types: {quoted(first.path)} is {first.dtype}, {quoted(second.path)} is "
            f"{second.dtype}" + (f", and {count(len(alike) - 1, 'other case')}" if len(alike) > 1 else ""),
            fix="convert all to the type you serve in: `v.to(torch.float16) if v.is_floating_point() else v`",
            notes=(("seen as", "RuntimeError: mat1 and mat2 must have the same dtype, but got Half and Float"),),
            key="layers",
        )
    elif {tensor.dtype for tensor in matrices} >= _HALVES:
        names = [next(tensor.path for tensor in matrices if tensor.dtype == dtype) for dtype in sorted(_HALVES)]
        yield Hit(
            f"the model mixes bfloat16 and float16 matrices: {listing(names)}",
            fix="convert all to one of them: `v.to(torch.bfloat16) if v.is_floating_point() else v`",
            notes=(("why", "float16 ends at 65,504 and bfloat16 does not; products of both are refused"),),
            key="halves",
        )


def _differing(matrices: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """For each set of equal layers with several types, a pair that shows it."""
    first: dict[tuple[str, tuple[int, ...]], Tensor] = {}
    found: dict[tuple[str, tuple[int, ...]], tuple[Tensor, Tensor]] = {}
    for tensor in matrices:
        if not _NUMBER.search(tensor.path):
            continue
        layer = (_NUMBER.sub("#", tensor.path), tensor.shape)
        other = first.setdefault(layer, tensor)
        if other.dtype != tensor.dtype:
            found.setdefault(layer, (other, tensor))
    return list(found.values())

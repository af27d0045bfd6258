"""MDR225: weights in double precision."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import is_weights_file, load_code, weights
from modeldoctor.wording import count, listing, share, size

# A few doubles are meant as such: statistics, scales, running means, thresholds.
_WORTH_BYTES = 100_000
_WORTH_PART = 20  # a twentieth


@rule(
    Checkpoint,
    code="MDR225",
    slug="float64-weights",
    severity=Severity.WARNING,
    since="0.1",
    summary="weights are stored in float64",
)
def float64_weights(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """Weights are in double precision, which hardly any network needs.

    ## What it finds
    float64 tensors among the weights that make up at least a twentieth of their bytes and 100 kB. Single statistics,
    scales and buffers in float64 pass, and so does what an optimizer or a scheduler keeps in it.

    ## Why it matters
    The file and the memory are twice as large as they need be. GPUs for inference compute float64 at a thirty-second or
    a sixty-fourth of their float32 speed, and CPUs at half. If only some layers are float64, every input of a neighbour
    has the wrong type. The usual origin is NumPy: `torch.from_numpy(np.random.rand(…))` is float64, and so is
    everything after `torch.set_default_dtype(torch.float64)`.

    ## Seen as
    * `RuntimeError: mat1 and mat2 must have the same dtype, but got Float and Double`
    * `RuntimeError: Input type (float) and bias type (double) should be the same`
    * `RuntimeError: expected scalar type Float but found Double` (older releases)
    * `TypeError: Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64` (on a Mac)

    A state_dict does not fail: `load_state_dict` copies it into the dtype of the model, and only the size is wasted.

    ## Fix
    ```python
    state = torch.load("model.pt", map_location="cpu")
    state = {k: v.float() if v.dtype == torch.float64 else v for k, v in state.items()}
    torch.save(state, "model.fp32.pt")
    ```

    ## References
    * Throughput by precision: the arithmetic instructions table of the CUDA C++ Programming Guide
    """
    if context.part or not is_weights_file(checkpoint) or "float64" not in dict(checkpoint.anatomy.tensors_by_dtype):
        return
    every = weights(checkpoint)
    double = [tensor for tensor in every if tensor.dtype == "float64" and tensor.layout == "strided"]
    wide = 8 * sum(tensor.numel for tensor in double)
    whole = checkpoint.anatomy.weights_bytes or checkpoint.anatomy.tensor_bytes
    if wide < _WORTH_BYTES or wide < whole // _WORTH_PART:
        return
    yield Hit(
        f"{count(len(double), 'tensor')} of the weights {'is' if len(double) == 1 else 'are'} float64: {size(wide)} "
        f"({share(wide, whole)}) where float32 needs half",
        fix=f"state = {{k: v.float() if v.is_floating_point() else v for k, v in {load_code(checkpoint)}.items()}}",
        notes=(
            ("tensors", listing([tensor.path for tensor in double])),
            ("seen as", "RuntimeError: mat1 and mat2 must have the same dtype, but got Float and Double"),
        ),
    )

"""MDR224: half-precision weights for a machine without a GPU."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.pickle._weights import is_weights_file, weights
from modeldoctor.wording import share

# First release whose CPU kernels for matrix products and convolutions take float16 (merged in October 2023).
_HALF_ON_CPU = (2, 2)
_OBJECTS = frozenset({"module", "scripted", "exported"})


@rule(
    Checkpoint,
    code="MDR224",
    slug="half-on-cpu",
    severity=Severity.WARNING,
    since="0.1",
    confidence=Confidence.MEDIUM,
    summary="the weights are float16 and the target computes on the CPU",
)
def half_on_cpu(checkpoint: Checkpoint, context: Context) -> Iterator[Hit | Unjudged]:
    """The weights are in float16, and the machine that will serve them has no GPU.

    ## What it finds
    Files in which at least half of the floating-point weights are float16, when the target is known to have no GPU
    (`--cuda cpu`, or an empty list of GPUs). What follows depends on the content:

    * A whole module, TorchScript or exported program computes in float16. Up to torch 2.1 that fails (an error), later
      it is slow (a warning).
    * A state_dict is copied into the dtype of the model that you build, usually float32: an info.

    bfloat16 is left alone: CPUs with AVX-512 BF16 or AMX are fast with it, and torch has its kernels since 1.12.

    ## Why it matters
    Most CPUs have no float16 arithmetic, so that torch converts back and forth. Measured with torch 2.13.0 on an AMD
    EPYC with AVX-512: `Conv2d` in float16 takes 20 times as long as in float32, `Linear` twice as long, while bfloat16
    is faster than float32. The file is half as large, the answer arrives twenty times later.

    ## Seen as
    * `RuntimeError: "addmm_impl_cpu_" not implemented for 'Half'` (`Linear`, torch up to 2.1)
    * `RuntimeError: "slow_conv2d_cpu" not implemented for 'Half'` (`Conv2d`, torch up to 2.1; older:
      `"unfolded2d_copy"`)
    * `RuntimeError: mat1 and mat2 must have the same dtype, but got Float and Half` (the input is still float32)
    * A request that takes twenty times as long as in the test on the GPU (torch 2.2 and later)

    ## Fix
    ```python
    model = torch.load("model.pt", map_location="cpu", weights_only=False).float()
    torch.save(model.state_dict(), "model.fp32.pt")
    ```

    For speed on a CPU try `model.bfloat16()`, or quantise to int8.

    ## References
    * huggingface/transformers issue 27769, pytorch/pytorch issues 74625 and 121958
    """
    if context.part or not is_weights_file(checkpoint) or "float16" not in dict(checkpoint.anatomy.tensors_by_dtype):
        return
    floating = [tensor for tensor in weights(checkpoint) if tensor.dtype.startswith(("float", "bfloat"))]
    half = sum(tensor.numel for tensor in floating if tensor.dtype == "float16")
    total = sum(tensor.numel for tensor in floating)
    if not half or 2 * half < total:
        return
    if context.target.cpu_only is None:
        yield Unjudged("the weights are float16; whether the target has a GPU is not known (`--gpu`, `--cuda`)")
        return
    if not context.target.cpu_only:
        return
    what = f"{share(half, total)} of the weights are float16 and the target has no GPU"
    if checkpoint.anatomy.contents not in _OBJECTS:
        yield Hit(
            f"{what}: computing in float16 is slow or impossible there, so build the model in float32",
            severity=Severity.INFO,
            fix="load_state_dict copies them into a float32 model; don't call `.half()` or pass `assign=True`",
        )
        return
    release = context.target.torch.release if context.target.torch else ()
    fails = bool(release) and release < _HALF_ON_CPU
    yield Hit(
        f"{what}: {'torch up to 2.1 cannot compute in float16' if fails else 'computing in float16 is slow'} on a CPU",
        severity=Severity.ERROR if fails else Severity.WARNING,
        fix="convert it once: `model.float()` and save again; for speed `model.bfloat16()` or int8",
        notes=(
            ("seen as", "RuntimeError: \"addmm_impl_cpu_\" not implemented for 'Half' (torch up to 2.1)"),
            ("measured", "torch 2.13 on AVX-512: Conv2d 20 times slower than float32, Linear twice"),
        ),
    )

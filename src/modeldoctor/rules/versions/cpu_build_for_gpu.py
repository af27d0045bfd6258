"""MDR316: a CPU build where a GPU is meant."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Confidence, Hit, Related, Severity, Unjudged, Where
from modeldoctor.predict import compat
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over_hardware, remedy, shown, where


@rule(
    Skew,
    code="MDR316",
    slug="cpu-build-for-gpu",
    severity=Severity.WARNING,
    since="0.1",
    summary="a CPU build of torch where a GPU is asked for",
)
def cpu_build_for_gpu(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """The build that gets installed cannot use a GPU, although the target has one or the image is made for one.

    ## What it finds
    A CPU build (`+cpu`, an index path `/whl/cpu`, `cpuonly`, or a platform whose default wheel is a CPU build) when
    `--gpu` names a GPU, or when the base image is a CUDA image. Two defaults surprise: on Windows the wheel of the
    default registry is always a CPU build, on Linux aarch64 (GH200, Grace, Jetson) it was one up to torch 2.10.0.

    ## Why it matters
    Nothing fails at import. Code that asks `torch.cuda.is_available()` falls back to the CPU and serves ten to a
    hundred times slower, on a machine that is paid for its GPU; code that says `.cuda()` or `map_location="cuda"`
    raises. A CUDA base image under a CPU build is gigabytes that nobody uses.

    ## Seen as
    * `AssertionError: Torch not compiled with CUDA enabled`
    * `RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False.`
    * no error at all, and `nvidia-smi` shows 0 % and no process

    ## Fix
    Name a CUDA build; the line for this project is in the finding. If the CPU is meant, use a plain Python image and
    say so with `--gpu none`:

    ```dockerfile
    FROM python:3.12-slim
    RUN pip install torch==2.9.1 --index-url https://download.pytorch.org/whl/cpu
    ```

    ## References
    * `torch/version.py` in the Windows and aarch64 wheels of torch 1.13.1 to 2.15.0
    * pytorch/pytorch issue 30664
    """
    del context
    return over_hardware(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch = environment.torch
    if torch is None or not torch.version or torch.variant != "cpu" or environment.gpus == ():
        return
    image = environment.installation.image
    if not environment.gpus and not (image and image.cuda and image.device != "cpu"):
        return
    meant = (
        f"`--gpu` asks for {', '.join(environment.gpus)}"
        if environment.gpus
        else f"the image has CUDA {image.cuda if image else ''}"
    )
    related = (Related(Where(image.path, line=image.line), image.reference),) if image and image.cuda else ()
    found = compat.release(torch.version)
    why = torch.variant_why
    if why == "the default registry" and found:
        why = f"the default wheel for {environment.system} {environment.machine} is a CPU build"
    yield Hit(
        f"{shown(torch)} cannot use a GPU, and {meant}",
        where=where(environment, torch),
        fix=remedy(environment) if environment.gpus else "take a CUDA build, or a base image without CUDA",
        notes=(("because", why), ("seen as", "AssertionError: Torch not compiled with CUDA enabled")) if why else (),
        related=related,
        confidence=None if environment.gpus else Confidence.MEDIUM,
        key="torch",
    )

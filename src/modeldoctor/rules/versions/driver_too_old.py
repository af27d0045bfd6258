"""MDR313: the CUDA build needs a newer driver."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_gpu import driver_cuda, gpu, meets, verdict
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over_hardware, release_of, remedy, shown, where


@rule(
    Skew,
    code="MDR313",
    slug="driver-too-old",
    severity=Severity.ERROR,
    since="0.1",
    summary="the NVIDIA driver is older than the CUDA build of torch needs",
)
def driver_too_old(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """A torch build needs a driver of its CUDA major or newer; below that floor it sees no GPU at all.

    ## What it finds
    The driver given with `--driver` (or in the configuration) against the floor of the build that gets installed. The
    major of CUDA decides: any 13.x needs 580.65.06, any 12.x 525.60.13, any 11.x 450.80.02 on Linux; for 10.2 and older
    each toolkit has its own. A driver older than the toolkit but above the floor runs by minor-version compatibility,
    and a driver newer than every table is fine: there is no upper bound. The CUDA version that nvidia-smi shows is what
    the driver supports, not what is installed.

    ## Why it matters
    An unpinned `torch` crosses the line silently: the default wheel went from CUDA 12.8 to 13.0 with torch 2.11, so
    hosts on R535, R550, R560 and R570 lost their GPU at the next rebuild of the image. `torch.cuda.is_available()` is
    False, and a service that falls back to the CPU gets slow instead of failing.

    ## Seen as
    * `The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver …` (the number
      is major × 1000 + minor × 10 of what the driver supports)
    * `RuntimeError: CUDA error: CUDA driver version is insufficient for CUDA runtime version`

    ## Fix
    Take the same torch built for the CUDA major that the driver has; the line is in the finding. Updating the driver
    comes last, since it concerns the host and everything on it:

    ```text
    --extra-index-url https://download.pytorch.org/whl/cu126
    torch==2.13.0+cu126
    ```

    ## References
    * NVIDIA CUDA compatibility guide, minor-version compatibility, table 1; CUDA toolkit release notes, table 3
    * `torch/cuda/__init__.py`, `_check_driver`
    """
    del context
    return over_hardware(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    if torch is None or torch.variant == "cpu":
        return
    if not environment.driver:
        yield Unjudged("needs `--driver`, which is not known")
        return
    yield from release_of(environment, torch)
    found = compat.release(torch.version)
    if found is None:
        return
    said = verdict(found, torch.variant, Platform(environment.system, environment.machine), None, environment.driver)
    if said.kind == "unknown":
        yield Unjudged(said.reason)
    if said.kind != "driver too old":
        return
    cuda = compat.cuda_of(torch.variant)
    known = driver_cuda(environment.driver, environment.system)
    number = int(known.split(".")[0]) * 1000 + int(known.split(".")[1]) * 10 if known else None
    forward = _forward_compatible(environment, cuda)
    yield Hit(
        f"driver {environment.driver} is too old for {shown(torch)}: {said.reason}",
        where=where(environment, torch),
        fix=remedy(environment),
        notes=(
            ("seen as", f"The NVIDIA driver on your system is too old (found version {number or '…'})"),
            *((("may still run", forward),) if forward else ()),
        ),
        severity=Severity.WARNING if forward else None,
        confidence=Confidence.MEDIUM if forward else None,
        key="driver",
    )


def _forward_compatible(environment: Environment, cuda: str) -> str:
    """NVIDIA's images bring a compatibility driver that data-centre GPUs can use."""
    image = environment.installation.image
    cards = [gpu(name) for name in environment.gpus or ()]
    if image is None or not image.family.startswith(("nvidia/cuda", "nvcr.io")) or not image.cuda:
        return ""
    same_major = image.cuda.split(".", maxsplit=1)[0] == cuda.split(".", maxsplit=1)[0]
    if not same_major or not cards or not all(card and card.kind == "datacenter" for card in cards):
        return ""
    # The oldest branch that forward compatibility is offered for moves on; this floor is that of CUDA 11 (R450).
    if not meets(environment.driver, "450"):
        return ""
    return f"the image has CUDA {image.cuda} with its forward-compatibility libraries, which data-centre GPUs can use"

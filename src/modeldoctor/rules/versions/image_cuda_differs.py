"""MDR327: the CUDA toolkit of the image is not the one of the wheel."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Confidence, Hit, Related, Severity, Unjudged, Where
from modeldoctor.predict import compat
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, shown, where

# Packages that the registry has as sources only, or that are installed from a repository: they are compiled here.
COMPILED = ("flash-attn", "apex", "detectron2", "pytorch3d", "causal-conv1d", "mamba-ssm", "tiny-cuda-nn", "nvdiffrast",
            "torch-scatter", "torch-sparse", "torch-cluster", "mmcv-full", "deepspeed")  # fmt: skip


@rule(
    Skew,
    code="MDR327",
    slug="image-cuda-differs",
    severity=Severity.INFO,
    since="0.1",
    summary="the CUDA toolkit of the base image is another one than torch was built with",
)
def image_cuda_differs(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Three CUDA versions meet in a container: the driver's, the image's and the wheel's; only two of them matter.

    ## What it finds
    A CUDA base image (`nvidia/cuda`, `pytorch/pytorch` whose torch was replaced) beside a torch wheel for another CUDA.
    An info, since the wheel brings its own CUDA libraries and the image's are not used. It becomes a warning when the
    majors differ and something in the environment is compiled against torch (flash-attn, apex, detectron2, PyG without
    its wheel page): then the toolkit of the image is used, and torch refuses another major.

    ## Why it matters
    For most images: gigabytes that nobody loads, and a version in the `FROM` line that readers take for the one in use.
    The driver has to satisfy the wheel, whatever the image says. For extensions: a build that stops.

    ## Seen as
    * `RuntimeError: The detected CUDA version (11.8) mismatches the version that was used to compile PyTorch (12.1).
      Please make sure to use the same CUDA versions.` (other major, when an extension is compiled)
    * `UserWarning: The detected CUDA version (12.1) has a minor version mismatch with the version that was used to
      compile PyTorch (12.4). Most likely this shouldn't be a problem.`

    ## Fix
    Nothing has to be done when no extension is compiled; a plain image does as well and is smaller:

    ```dockerfile
    FROM python:3.12-slim
    ```

    When one is compiled, take the `-devel` image of the CUDA that torch was built with.

    ## References
    * `torch/utils/cpp_extension.py`, `_check_cuda_version`: `CUDA_MISMATCH_MESSAGE`, `CUDA_MISMATCH_WARN`
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch, image = environment.torch, environment.installation.image
    cuda = compat.cuda_of(torch.variant) if torch else ""
    if torch is None or image is None or not cuda or not environment.cuda_image or torch.step is None:
        return
    if cuda == environment.cuda_image:
        return
    other_major = cuda.split(".", maxsplit=1)[0] != environment.cuda_image.split(".", maxsplit=1)[0]
    compiled = [
        name for name in COMPILED if (package := environment.packages.get(name)) and not _prebuilt(package.pins)
    ]
    fatal = other_major and bool(compiled)
    message = f"the image has CUDA {environment.cuda_image}, and {shown(torch)} brings CUDA {cuda}"
    if fatal:
        message += f": {compiled[0]} cannot be compiled with the image's toolkit"
    yield Hit(
        message,
        where=Where(image.path, line=image.line),
        fix=f"use an image with CUDA {cuda}" if fatal else "nothing has to be done: the wheel's own libraries are used",
        notes=(("seen as", "RuntimeError: The detected CUDA version … mismatches"),) if fatal else (),
        related=(Related(where(environment, torch), f"torch for CUDA {cuda}"),),
        severity=Severity.WARNING if fatal else None,
        confidence=Confidence.MEDIUM if fatal else None,
        key="cuda",
    )


def _prebuilt(pins: tuple[object, ...]) -> bool:
    return any(str(getattr(pin, "url", "")).endswith(".whl") for pin in pins)

"""MDR330: torch and torchvision from different builds."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat_index import has_build
from modeldoctor.predict.compat_text import changed_pin
from modeldoctor.predict.versions import allows, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, shown, where

_NMS = "RuntimeError: operator torchvision::nms does not exist"
_BACKEND = "NotImplementedError: Could not run 'torchvision::nms' with arguments from the 'CUDA' backend"


@rule(
    Skew,
    code="MDR330",
    slug="mixed-builds",
    severity=Severity.ERROR,
    since="0.1",
    summary="torch and torchvision or torchaudio come from different CUDA or CPU builds",
)
def mixed_builds(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Both torchvision and torchaudio are compiled per build of torch, and check at import or first use that they fit.

    ## What it finds
    torch from one build and torchvision or torchaudio from another, although their versions belong together:
    `torch==2.1.0+cpu` with torchvision from the default registry (a CUDA build on Linux), an index given to one `pip
    install` and forgotten in the next one, a uv source for torch but not for torchvision. What counts is what the
    releases check: torchvision up to 0.15 refuses any other CUDA version, from 0.16 on another major; torchaudio from
    0.13 on refuses any other version. So the default torchaudio 2.11.0 (CUDA 13.0) cannot be imported beside the
    default torch 2.15.0 (CUDA 13.2). A CPU build of torchvision under a CUDA torch only lacks its CUDA operators: a
    warning.

    ## Why it matters
    Versions agree, so pip, `pip check` and lock files are content. transformers imports torchvision and torchaudio when
    they are there, so a service that never touches images or sound fails to start all the same.

    ## Seen as
    * `RuntimeError: Detected that PyTorch and torchvision were compiled with different CUDA major versions.`
    * `RuntimeError: Detected that PyTorch and TorchAudio were compiled with different CUDA versions.`
    * `RuntimeError: operator torchvision::nms does not exist`
    * `NotImplementedError: Could not run 'torchvision::nms' with arguments from the 'CUDA' backend.`

    ## Fix
    Take all three from the same index, in one command, or give them the same local version:

    ```text
    --extra-index-url https://download.pytorch.org/whl/cpu
    torch==2.1.0+cpu
    torchvision==0.16.0+cpu
    ```

    ## References
    * `_check_cuda_version` in `torchvision/extension.py` (0.6.1 to 0.29.2) and `torchaudio/_extension/utils.py` (0.13.1
      to 2.11.0)
    * pytorch/vision issue 8985, pytorch/pytorch issue 157648
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch = environment.torch
    if torch is None or not torch.variant or torch.variant.startswith("rocm"):
        return
    for name in ("torchvision", "torchaudio"):
        package = environment.packages.get(name)
        if package is None or not package.version or not package.variant or package.variant == torch.variant:
            continue
        if name == "torchaudio" and all(pin.role == "installed" for pin in package.pins):
            continue  # the base image has it, and nothing says that it is used
        if compat.fits(name, package.version, public(torch.version)) is not True:
            continue  # that is said by companion-mismatch
        if compat.has_variant(torch.version, torch.variant) is False or allows("<0.3", package.version):
            continue  # that is said by no-such-build; torchvision 0.2 is plain Python
        error = _error(torch, package)
        if error:
            yield _hit(environment, torch, package, error)


def _error(torch: Package, package: Package) -> str:
    """What such a pair says when it is imported or used; `""` when it works."""
    vision = package.name == "torchvision"
    if torch.variant == "cpu":
        return _NMS if vision else "OSError: libcudart.so: cannot open shared object file"
    if package.variant == "cpu":
        return _BACKEND if vision else ""
    have, other = compat.cuda_of(torch.variant), compat.cuda_of(package.variant)
    exact = allows("<0.16", package.version) if vision else allows(">=0.13", package.version)
    same = have == other if exact else have.split(".")[0] == other.split(".")[0]
    if same:
        return ""
    named = "torchvision" if vision else "TorchAudio"
    major = "" if exact else "major "
    return f"RuntimeError: Detected that PyTorch and {named} were compiled with different CUDA {major}versions."


def _hit(environment: Environment, torch: Package, package: Package, error: str) -> Hit:
    origins = f"torch from {torch.variant_why or 'its pin'}, {package.name} from {package.variant_why or 'its pin'}"
    only_operators = error == _BACKEND
    sure = torch.certain and package.certain and not only_operators
    return Hit(
        f"{shown(package)} is another build than {shown(torch)}",
        where=where(environment, package, torch),
        fix=_fix(torch, package),
        notes=(("because", origins), ("seen as", error)),
        related=beside(torch),
        severity=Severity.WARNING if only_operators else None,
        confidence=None if sure else Confidence.MEDIUM,
        key=package.name,
    )


def _fix(torch: Package, package: Package) -> str:
    """The companion from torch's index, or a torch from its index when there is no such companion."""
    if has_build(package.name, package.version, torch.variant) is not False:
        pin = package.pins[0] if package.pins else None
        local = f"{public(package.version)}+{torch.variant}"
        written = changed_pin(pin._replace(variant="", version=""), local) if pin else f"{package.name}=={local}"
        return f"take both from one index: `{written}`"
    fits = [found.version for found in compat.releases() if compat.has_variant(found.version, package.variant)]
    fits = [text for text in fits if compat.fits(package.name, package.version, text)]
    newest = f", such as `torch=={fits[-1]}+{package.variant}`" if fits else ""
    return (
        f"there is no {package.name} {package.version} for {torch.variant}: take a torch for {package.variant}{newest}"
    )

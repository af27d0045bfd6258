"""MDR330: torch and torchvision from different builds."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat_text import changed_pin
from modeldoctor.predict.versions import allows, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, shown, where


@rule(
    Skew,
    code="MDR330",
    slug="mixed-builds",
    severity=Severity.ERROR,
    since="0.1",
    summary="torch and torchvision or torchaudio come from different CUDA or CPU builds",
)
def mixed_builds(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Both torchvision and torchaudio are compiled per build of torch: CPU and CUDA ones cannot be mixed.

    ## What it finds
    torch from one build and torchvision or torchaudio from another, although their versions belong together:
    `torch==2.1.0+cpu` with torchvision from the default registry (which is a CUDA build on Linux), `torch==2.1.0+cu118`
    with `torchvision==0.16.0+cu121`, an index given to one `pip install` and forgotten in the next one, or a uv source
    for torch but not for torchvision.

    ## Why it matters
    Versions agree, so pip, `pip check` and lock files are content. The compiled operators of torchvision (`nms`,
    `roi_align`, image decoding) are not registered, and detection models fail at the first request; torchaudio refuses
    to be imported.

    ## Seen as
    * `RuntimeError: operator torchvision::nms does not exist`
    * `RuntimeError: Couldn't load custom C++ ops.`
    * `RuntimeError: Detected that PyTorch and TorchAudio were compiled with different CUDA versions.`

    ## Fix
    Take all three from the same index, in one command, or give them the same local version:

    ```text
    --extra-index-url https://download.pytorch.org/whl/cpu
    torch==2.1.0+cpu
    torchvision==0.16.0+cpu
    ```

    ## References
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
        if compat.fits(name, package.version, public(torch.version)) is not True:
            continue  # that is said by companion-mismatch
        if name == "torchvision" and allows(">=0.29.1", package.version):
            continue  # from there on one wheel serves every build
        pin = package.pins[0] if package.pins else None
        local = f"{public(package.version)}+{torch.variant}"
        written = changed_pin(pin._replace(variant="", version=""), local) if pin else f"{name}=={local}"
        origins = f"torch from {torch.variant_why or 'its pin'}, {name} from {package.variant_why or 'its pin'}"
        yield Hit(
            f"{shown(package)} is another build than {shown(torch)}",
            where=where(environment, package, torch),
            fix=f"take both from one index: `{written}`",
            notes=(("because", origins), ("seen as", "RuntimeError: operator torchvision::nms does not exist")),
            related=beside(torch),
            key=name,
        )

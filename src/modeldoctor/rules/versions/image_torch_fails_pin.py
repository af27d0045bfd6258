"""MDR326: the torch of an NGC image does not satisfy the requirement."""

import re
from collections.abc import Iterator

from modeldoctor.facts.skew import Clash, Environment, Skew
from modeldoctor.findings import Hit, Related, Severity, Unjudged
from modeldoctor.predict.versions import public, version
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, place


@rule(
    Skew,
    code="MDR326",
    slug="image-torch-fails-pin",
    severity=Severity.WARNING,
    since="0.1",
    summary="the pre-release torch of the base image does not satisfy the pin and is replaced",
)
def image_torch_fails_pin(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """NVIDIA's images hold pre-releases of torch, and a pre-release sorts before the release that it is named after.

    ## What it finds
    A base image with a pre-release torch (`nvcr.io/nvidia/pytorch:24.08-py3` holds `2.5.0a0+872d972e41.nv24.08`) and a
    requirement that this version does not satisfy, directly (`torch>=2.5`) or through a pinned companion
    (`torchvision==0.20.0` asks for `torch==2.5.0`).

    ## Why it matters
    pip uninstalls NVIDIA's build and installs the one from the registry: the reason for the image is gone, its own
    torchvision, apex, transformer-engine and TensorRT bindings are compiled against the old one, and the image grows by
    gigabytes. From 25.03 on the image has a pip constraint file that forbids that, so the build stops instead.

    ## Seen as
    * `Attempting uninstall: torch … Found existing installation: torch 2.5.0a0+872d972e41.nv24.8`
    * `undefined symbol: _ZN3c10…` on `import transformer_engine` or `import apex`
    * `ERROR: Cannot install torch>=2.6 because these package versions have conflicting dependencies. … The user
      requested (constraint) torch==2.7.0a0+…` (from 25.03 on)

    ## Fix
    Leave torch, torchvision and triton out of what is installed on such an image:

    ```dockerfile
    RUN grep -v -E '^(torch|torchvision|torchaudio|triton)' requirements.txt > rest.txt && pip install -r rest.txt
    ```

    or start from `pytorch/pytorch` or a plain Python image and keep the pin.

    ## References
    * PEP 440: `2.5.0a0` sorts before `2.5.0`; NVIDIA PyTorch release notes 25.12; flashinfer-ai/flashinfer issue 911
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    for clash in environment.clashes:
        old = version(clash.version)
        if clash.kind == "replaced" and old and old.is_prerelease and clash.pins[0].role == "installed":
            yield _hit(environment, clash)


def _hit(environment: Environment, clash: Clash) -> Hit:
    image, *asked = clash.pins
    torch = next((pin for pin in asked if pin.name == "torch"), None)
    cause = next(
        (
            pin
            for step in environment.installation.steps
            for pin in step.pins
            if pin.name in {"torchvision", "vllm", "xformers", "torchaudio"}
        ),
        None,
    )
    blamed = torch or cause or image
    tag = re.search(r":(\d\d)\.(\d\d)-", image.text)
    constrained = bool(tag) and tag is not None and (int(tag[1]), int(tag[2])) >= (25, 3)
    does = "and its constraint file makes pip stop" if constrained else f"so pip replaces it by {clash.instead}"
    return Hit(
        f"`{blamed.text}` is not satisfied by the image's torch {public(clash.version)}, {does}",
        where=place(blamed),
        fix="leave torch and its companions out of what is installed on this image, or use another base image",
        notes=(("seen as", f"Attempting uninstall: torch … Found existing installation: torch {clash.version}"),),
        related=(Related(place(image), image.text),),
        severity=Severity.ERROR if constrained else None,
        key="torch",
    )

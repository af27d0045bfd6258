"""MDR314: the torch build has no code for this GPU."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform, Release
from modeldoctor.predict.compat_gpu import Gpu, code_of, gpu, verdict
from modeldoctor.predict.versions import key
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over_hardware, release_of, remedy, shown, where


@rule(
    Skew,
    code="MDR314",
    slug="gpu-unsupported",
    severity=Severity.ERROR,
    since="0.1",
    summary="the build of torch has no code for a GPU of the target",
)
def gpu_unsupported(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """A wheel holds compiled code for a list of GPU generations; a GPU that is not covered fails at the first kernel.

    ## What it finds
    Every distinct GPU given with `--gpu` (or in the configuration) against the code list of the build that gets
    installed. Code for `sm_XY` runs on the same major with a minor of at least Y: an L4 (8.9) runs `sm_86` code, a B300
    (10.3) runs `sm_100`; an A100 does not run `sm_70` code, an RTX 5090 does not run `sm_100`. Integrated Jetson
    devices run only their own. A GPU newer than the newest code is reported as unknown where a source leaves open
    whether the build has PTX for it. The lists are those of the wheels, not of the announcements.

    ## Why it matters
    `torch.cuda.is_available()` is True, so health checks pass, and the first request dies. Default wheels dropped
    Kepler with 2.1, Maxwell and Pascal with 2.8, Volta with 2.11, and learned Hopper with 2.1 and Blackwell with 2.8:
    an upgrade loses old GPUs, an old pin does not know new ones.

    ## Seen as
    * `RuntimeError: CUDA error: no kernel image is available for execution on the device`
    * `NVIDIA GeForce RTX 5090 with CUDA capability sm_120 is not compatible with the current PyTorch installation.`
    * `PyTorch no longer supports this GPU because it is too old.`

    ## Fix
    First the same release from another CUDA variant (`cu126` kept Maxwell to Volta up to torch 2.14, `cu128` knows
    Blackwell from 2.7), then another release; the line to paste is in the finding:

    ```text
    --extra-index-url https://download.pytorch.org/whl/cu126
    torch==2.13.0+cu126
    ```

    ## References
    * The architecture string in `libtorch_python.so` of each release (`torch.cuda.get_arch_list()`)
    * `DEVICE_REQUIREMENT` in `torch/cuda/__init__.py` of torch 2.15.0; `.ci/manywheel` of pytorch/pytorch
    * pytorch/pytorch issue 167244
    """
    del context
    return over_hardware(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    if torch is None or torch.variant == "cpu" or environment.gpus == ():
        return
    if environment.gpus is None:
        yield Unjudged("needs `--gpu`, which is not known")
        return
    yield from release_of(environment, torch)
    found = compat.release(torch.version)
    if found is None:
        return
    for name in dict.fromkeys(environment.gpus):
        card = gpu(name)
        if card is None:
            yield Unjudged(f"`{name}` is no GPU that is known")
        else:
            yield from _card(environment, torch, found, card)


def _card(environment: Environment, torch: Package, found: Release, card: Gpu) -> Iterator[Hit | Unjudged]:
    said = verdict(found, torch.variant, Platform(environment.system, environment.machine), card)
    if said.kind == "unknown":
        yield Unjudged(said.reason)
    if said.kind != "no code for this GPU":
        return
    code = code_of(found.version, torch.variant, environment.machine)
    notes = [*_history(card, environment)]
    if code and card.capability > max(code.sm):
        warning = f"{card.name} with CUDA capability {card.sm} is not compatible with the current PyTorch installation"
        notes.append(("warned of", warning))
    yield Hit(
        f"{shown(torch)} has no code for {card.name} ({card.sm}): it has {code}",
        where=where(environment, torch),
        fix=remedy(environment),
        notes=(
            *notes,
            ("seen as", "RuntimeError: CUDA error: no kernel image is available for execution on the device"),
        ),
        key=card.name,
    )


def _history(card: Gpu, environment: Environment) -> tuple[tuple[str, str], ...]:
    """Which default wheels and which builds have code for the GPU."""
    place = Platform(environment.system, environment.machine)
    releases = compat.releases()
    default = [
        item.version for item in releases if verdict(item, compat.default_variant(item, place), place, card).works
    ]
    builds = [
        f"{item.version}+{variant}"
        for item in releases
        for variant in compat.variants(item.version)
        if verdict(item, variant, place, card).works
    ]
    found = []
    if default:
        found.append(("default wheels", f"torch {default[0]} to {default[-1]}"))
    if builds and (not default or key(builds[-1].partition("+")[0]) > key(default[-1])):
        found.append(("newest build", builds[-1]))
    return tuple(found)

"""MDR310: torchvision, torchaudio or torchtext of another torch."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.versions import public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, release_of, remedy, shown, where

COMPANIONS = ("torchvision", "torchaudio", "torchtext", "torchdata")


@rule(
    Skew,
    code="MDR310",
    slug="companion-mismatch",
    severity=Severity.ERROR,
    since="0.1",
    summary="torchvision, torchaudio or torchtext belongs to another torch",
)
def companion_mismatch(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """torchvision, torchaudio, torchtext and torchdata are compiled against one torch release and ask for that one.

    ## What it finds
    A pair that does not belong together, wherever the two are named: in one requirement file, over several files that
    one `pip install` reads, in consecutive `RUN` lines of a Dockerfile, in a lock. Also a range that leaves no version:
    `torch==2.1.0` with `torchvision<0.16`. Pairs are looked up, not guessed from the minor: torchvision pins torch
    exactly up to 0.29.0 and only asks `torch>=2.14.0` after that; torchaudio ended with 2.11.0, which torch 2.12 and
    later use.

    ## Why it matters
    In one `pip install` or one lock the resolver refuses. In two steps nothing refuses: the second step silently
    replaces the torch that the first one installed (so the build for your GPU is gone as well), or leaves a torchvision
    whose compiled operators do not load.

    ## Seen as
    * `ERROR: Cannot install torch==2.1.0 and torchvision==0.15.2 because these package versions have conflicting
      dependencies.` and `ResolutionImpossible` (pip)
    * `torchvision 0.15.2 requires torch==2.0.1, but you have torch 2.1.0 which is incompatible.` (a second step)
    * `RuntimeError: operator torchvision::nms does not exist`, older: `No such operator torchvision::nms`
    * `OSError: .../torchaudio/lib/libtorchaudio.so: undefined symbol: _ZN3c10...`

    ## Fix
    Keep the torch that serves and take the companion that was released with it:

    ```text
    torch==2.1.0
    torchvision==0.16.0
    torchaudio==2.1.0
    ```

    Install them in one command, so that the resolver sees both.

    ## References
    * METADATA of torchvision 0.4.0 to 0.29.2, torchaudio 0.3.0 to 2.11.0, torchtext 0.4.0 to 0.18.0
    * pytorch/pytorch issues 122494 and 157648, pytorch/vision issue 1405
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    if torch is None or not torch.version:
        return
    unknown = list(release_of(environment, torch))
    for name in COMPANIONS:
        package = environment.packages.get(name)
        if package is None or not (package.version or package.specifier) or _only_in_image(package):
            continue
        if unknown:
            yield from unknown
            return
        yield from _pair(environment, torch, package)


def _only_in_image(package: Package) -> bool:
    """Whether nothing but the base image brings it: torchaudio and its like may not even be used."""
    return package.name != "torchvision" and all(pin.role == "installed" for pin in package.pins)


def _pair(environment: Environment, torch: Package, package: Package) -> Iterator[Hit | Unjudged]:
    release = public(torch.version)
    if not package.version:
        if compat.fitting(package.name, release):
            text = f"no {package.name} that `{package.specifier}` allows works with {shown(torch, build=False)}"
            yield _hit(environment, torch, package, text)
        return
    fits = compat.fits(package.name, package.version, release)
    if fits is None:
        yield Unjudged(f"{package.name} {package.version} is not in the tables")
    elif not fits:
        asked = compat.asks(package.name, package.version)
        text = f"it asks for torch{asked}" if asked else "it was built for another torch"
        text = f"{shown(package, build=False)} does not work with {shown(torch, build=False)}: {text}"
        yield _hit(environment, torch, package, text)


def _hit(environment: Environment, torch: Package, package: Package, message: str) -> Hit:
    fitting = compat.fitting(package.name, public(torch.version))
    notes = [("goes with it", ", ".join(f"{package.name} {text}" for text in fitting))] if fitting else []
    nms = "RuntimeError: operator torchvision::nms does not exist"
    only_image = all(pin.role == "installed" for pin in package.pins)
    symbol = f"OSError: … undefined symbol: _ZN3c10… (import {package.name})"
    return Hit(
        message,
        where=where(environment, package, torch),
        fix=remedy(environment),
        notes=(*notes, ("seen as", nms if package.name == "torchvision" else symbol)),
        related=beside(torch),
        severity=Severity.WARNING if only_image else None,
        confidence=Confidence.MEDIUM if only_image else None,
        key=package.name,
    )

"""The smallest change that makes an environment fit: torch's build first, its release next, a newer driver last."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from modeldoctor.facts.skew import Environment, Package
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform, Release
from modeldoctor.predict.compat_gpu import Gpu, driver_for, gpu, meets, names, verdict
from modeldoctor.predict.compat_host import python_minor
from modeldoctor.predict.versions import allows, key, minor, public

# Packages that have to move with torch.
FOLLOW = ("torchvision", "torchaudio", "torchtext", "xformers", "vllm")


class Change(NamedTuple):
    """What to install instead. `companions` are those that have to change; `driver` is set when it has to be newer.

    `variant` is `""` where the build of the default registry will do.
    """

    torch: str
    variant: str
    companions: tuple[tuple[str, str], ...] = ()
    driver: str = ""


class Wall(NamedTuple):
    """A constraint and what it leaves: `V100-16GB` · `torch up to 2.14 (cu126)`."""

    constraint: str
    leaves: str


def smallest_change(environment: Environment) -> Change | None:
    """The nearest release and build that satisfy Python, platform, GPUs, driver and companions; None when none does."""
    torch = environment.torch
    if torch is None:
        return None
    found = list(_candidates(environment, torch, with_driver=True))
    found = found or list(_candidates(environment, torch, with_driver=False))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _candidates(
    environment: Environment, torch: Package, *, with_driver: bool
) -> Iterator[tuple[tuple[Any, ...], Change]]:
    """Every release and build that fits, with what it costs."""
    where = Platform(environment.system, environment.machine)
    cards = _cards(environment)
    driver = environment.driver if with_driver else ""
    for found in compat.releases():
        if not usable(environment, found, where):
            continue
        companions = _following(environment, found)
        if companions is None:
            continue
        suited: list[Gpu | None] = [*cards] or [None]
        for variant in _builds(found, torch, where, wants_gpu=bool(cards)):
            if all(verdict(found, variant, where, card, driver).works for card in suited) or variant == "cpu":
                newer = _driver_needed(environment, variant) if not with_driver else ""
                default = compat.default_variant(found, where) == variant
                change = Change(found.version, "" if default else variant, companions, newer)
                yield _cost(torch, found, variant, where, len(companions)), change


def usable(environment: Environment, found: Release, where: Platform) -> bool:
    """Whether a release has a wheel for the Python, the platform and the glibc of an environment."""
    python = python_minor(environment.python.version)
    if not compat.has_wheel(found, python, where):
        return False
    if not python and not any(allows(environment.python.specifier, text.rstrip("t")) for text in found.pythons):
        return False
    if environment.glibc == "musl":
        return False
    return not environment.glibc or key(environment.glibc) >= key(compat.glibc_needed(found))


def _cards(environment: Environment) -> list[Gpu]:
    return [card for name in environment.gpus or () if (card := gpu(name))]


def _builds(found: Release, torch: Package, where: Platform, *, wants_gpu: bool) -> list[str]:
    """The builds that come into question: CPU builds stay CPU unless a GPU is asked for."""
    if torch.variant == "cpu" and not wants_gpu:
        return ["cpu"]
    default = compat.default_variant(found, where)
    if where.system == "macos":
        return ["cpu"]
    return [text for text in dict.fromkeys((default, *compat.variants(found.version))) if text != "cpu"]


def _following(environment: Environment, found: Release) -> tuple[tuple[str, str], ...] | None:
    """The companions that have to change for a release; None when one of them has no version for it."""
    changes = []
    numpy = environment.packages.get("numpy")
    where = Platform(environment.system, environment.machine)
    if numpy and numpy.version and not compat.numpy_ok(found, numpy.version, where):
        fits = compat.numpy_for(python_minor(environment.python.version), "<2")
        if not fits:
            return None
        changes.append(("numpy", fits))
    for name in FOLLOW:
        package = environment.packages.get(name)
        if package is None or not package.version:
            continue
        if compat.fits(name, package.version, found.version) is not False:
            continue
        fits_python = [
            text for text in compat.fitting(name, found.version)
            if not environment.python.version or allows(compat.asks_python(name, text), environment.python.version)
        ]  # fmt: skip
        if not fits_python:
            return None
        changes.append((name, fits_python[-1]))
    return tuple(changes)


def _driver_needed(environment: Environment, variant: str) -> str:
    wanted = driver_for(compat.cuda_of(variant), environment.system) if compat.cuda_of(variant) else None
    return wanted.floor if wanted and environment.driver and not meets(environment.driver, wanted.floor) else ""


def _cost(torch: Package, found: Release, variant: str, where: Platform, changed: int) -> tuple[Any, ...]:
    """Same torch first, then its patches, then other minors (upwards first); then the nearest build."""
    have = compat.release(torch.version)
    if have is None:
        return (3, -key(found.version).release[0], 0, 0, changed)
    positions = [item.version for item in compat.releases()]
    distance = positions.index(found.version) - positions.index(have.version)
    step = 0 if distance == 0 else 1 if minor(found.version) == minor(have.version) else 2
    # Where the default build was taken, that of another release is as near as any.
    usual = torch.variant == compat.default_variant(have, where) and variant == compat.default_variant(found, where)
    return (
        step,
        distance < 0,
        abs(distance),
        (False, 0.0, 0.0) if usual else _build_distance(torch.variant, variant),
        changed,
    )


def _build_distance(have: str, other: str) -> tuple[bool, float, float]:
    """Builds near the one that is there first; of equally near ones the newer."""
    if have == other:
        return (False, 0.0, 0.0)
    there, here = compat.cuda_of(other), compat.cuda_of(have)
    if not there or not here:
        return (True, 0.0, -float(there or 0))
    return (True, abs(float(there) - float(here)), -float(there))


def walls(environment: Environment) -> tuple[Wall, ...]:
    """What each constraint alone leaves, for an environment in which nothing satisfies all of them."""
    torch = environment.torch
    where = Platform(environment.system, environment.machine)
    found: list[Wall] = []
    if environment.python.version:
        python = python_minor(environment.python.version)
        found.append(
            Wall(f"Python {python}", _span([item.version for item in compat.releases() if python in item.pythons]))
        )
    for card in _cards(environment):
        fits = [(item.version, build) for item in compat.releases() for build in compat.variants(item.version)
                if verdict(item, build, where, card).works]  # fmt: skip
        found.append(Wall(card.name, _span_of_builds(fits)))
    if environment.driver:
        fits = [(item.version, build) for item in compat.releases() for build in compat.variants(item.version)
                if verdict(item, build, where, None, environment.driver).works]  # fmt: skip
        found.append(Wall(f"driver {environment.driver}", _span_of_builds(fits)))
    for name in FOLLOW:
        package = environment.packages.get(name)
        asked = compat.asks(name, package.version) if package and package.version and package.certain else None
        if asked and package:
            found.append(Wall(f"{name} {package.version}", f"torch{asked}"))
    if torch and torch.certain and torch.version:
        found.append(
            Wall(f"the pin {torch.pins[0].text if torch.pins else torch.version}", f"torch {public(torch.version)}")
        )
    return tuple(found)


def _span(versions: list[str]) -> str:
    if not versions:
        return "no release of torch that is known"
    return f"torch {versions[0]} to {versions[-1]}" if len(versions) > 1 else f"torch {versions[0]}"


def _span_of_builds(fits: list[tuple[str, str]]) -> str:
    if not fits:
        return "no build of torch that is known"
    last = max(fits, key=lambda pair: (key(pair[0]), float(compat.cuda_of(pair[1]))))
    first = min(fits, key=lambda pair: key(pair[0]))
    return f"torch {minor(first[0])} to {minor(last[0])}, the last as {last[1]}"


def named_cards(environment: Environment) -> str:
    """The GPUs of an environment in words."""
    return names(_cards(environment))

"""Which build of torch or a companion an install step gets: what its indexes have, and how pip and uv pick."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from modeldoctor.facts.pins import Index, Pin, Step
from modeldoctor.predict import compat
from modeldoctor.predict.compat import (
    Platform,
    default_variant,
    has_variant,
    known_versions,
    release,
    releases,
)
from modeldoctor.predict.versions import allows, key, public

# Packages that the PyTorch index holds in one build per CUDA version.
BUILT = ("torch", "torchvision", "torchaudio", "torchtext")

_VARIANT = re.compile(
    r"/whl/(?:(?:nightly|test|lts/\d+\.\d+)/)?(cu\d{2,3}|cpu|rocm\d+(?:\.\d+)*|xpu)(?:/|$)"
    r"|/pytorch-wheels/(cu\d{2,3}|cpu)(?:/|$)"
)
# Pages that list every build of every release.
_EVERY = re.compile(r"torch_(?:stable|lts)\.html|/whl/?$|/whl/torch/?$|/pytorch-wheels/?$")
# A package that the wheel pulls in and that names its CUDA version, in a lock or a compiled requirement file.
_RUNTIME = {"nvidia-cuda-runtime-cu11", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime", "cuda-toolkit"}


def variant_in(text: str) -> str:
    """The build in a version: `2.6.0+cu124` → `cu124`."""
    local = text.partition("+")[2]
    return local if re.fullmatch(r"cu\d{2,3}|cpu|rocm[\d.]+|xpu", local) else ""


class Offer(NamedTuple):
    """A place that is searched. `variant` is the one build that it has, `*` for all, `""` for the default registry."""

    variant: str
    source: Index | None = None
    nightly: bool = False


class Pick(NamedTuple):
    """What a step installs: a public version and its build, `""` where that is not known, and why it is that build."""

    version: str
    variant: str
    why: str
    source: Index | None = None


def variant_of_url(url: str) -> str:
    """The build that an index holds: `cu118`, `cpu`; `*` for a page that lists all; `""` for another index."""
    found = _VARIANT.search(url)
    if found:
        return found[1] or found[2]
    return "*" if _EVERY.search(url) else ""


def offers(step: Step, pins: Iterable[Pin]) -> tuple[Offer, ...]:
    """The places that a step searches for a package, in order of preference where that matters."""
    for pin in pins:
        if pin.origin:
            named = next((index for index in step.indexes if index.name == pin.origin), None)
            return (_offer(named) if named else Offer(variant_of_url(pin.origin)),)
    bases = [index for index in step.indexes if index.role == "index"]
    extras = [_offer(index) for index in step.indexes if index.role in {"extra", "find-links"}]
    if bases:
        return (*extras, _offer(bases[-1]))
    return tuple(extras) if step.option("no-index") else (*extras, Offer(""))


def _offer(index: Index) -> Offer:
    return Offer(variant_of_url(index.url), index, "/nightly" in index.url)


def has_build(package: str, text: str, variant: str) -> bool | None:
    """Whether the PyTorch index has this build of a package. None: not known."""
    if package == "torch":
        return has_variant(text, variant)
    partner = compat.partner(package, text)
    return has_variant(partner, variant) if partner else None


def pick(
    package: str,
    specifier: str,
    step: Step,
    pins: tuple[Pin, ...],
    *,
    where: Platform,
    usable: Callable[[str], bool] = lambda _: True,
) -> Pick | None:
    """What a step installs for a specifier; None when nothing that is known fits. `usable` filters public versions."""
    explicit = next((pin.variant for pin in pins if pin.variant), "")
    backend = step.option("torch-backend").partition("@")[0]
    places = offers(step, pins)
    if any(place.nightly for place in places):
        return Pick("", explicit or places[0].variant, "a nightly build", places[0].source)
    versions = known_versions(package) if package != "torch" else tuple(found.version for found in releases())
    fits = [text for text in versions if usable(text)]
    if explicit:
        built = (text for text in fits if has_build(package, text, explicit) is not False)
        chosen = [text for text in built if allows(specifier, f"{text}+{explicit}") or allows(specifier, text)]
        return Pick(chosen[-1], explicit, "pinned") if chosen else None
    if backend:
        variant = "" if backend == "auto" else backend
        held = [text for text in fits if allows(specifier, text) and (not variant or has_build(package, text, variant))]
        why = f"`torch-backend = {backend}`" + (": the machine that installs decides" if backend == "auto" else "")
        return Pick(held[-1], variant, why) if held else None
    found = [
        picked
        for place in places
        for text in fits
        if (picked := _held(package, text, place, where)) and allows(specifier, _local(picked, place))
    ]
    if not found:
        return None
    if step.tool == "uv":  # the first index that has the package decides
        return max((item for item in found if item.source == found[0].source), key=_order)
    return max(found, key=_order)


def _local(picked: Pick, place: Offer) -> str:
    return f"{picked.version}+{picked.variant}" if place.variant not in {"", "*"} else picked.version


def _order(picked: Pick) -> tuple[object, bool]:
    # `2.1.0+cu118` counts as newer than `2.1.0` (PEP 440).
    return key(picked.version), picked.source is not None


def _held(package: str, text: str, place: Offer, where: Platform) -> Pick | None:
    """The build of a version that a place has; None when it has none."""
    if place.variant == "*":
        return Pick(text, "", "the page lists every build", place.source)
    if place.variant:
        held = has_build(package, text, place.variant)
        # What is not known is taken to be there: an unknown build must not become a finding.
        return None if held is False else Pick(text, place.variant, "the index", place.source)
    return Pick(text, default_of(package, text, where), "the default registry", place.source)


def default_of(package: str, text: str, where: Platform) -> str:
    """The build of the default registry; `""` when it is not known."""
    found = release(text if package == "torch" else compat.partner(package, text))
    if found is None:
        return ""
    default = default_variant(found, where)
    own = compat.companion_cuda(package, text)
    return compat.variant_of_cuda(own) if own and default != "cpu" else default


def runtime_variant(pins: Iterable[Pin]) -> tuple[str, Pin | None]:
    """The build that the CUDA libraries in a lock betray (`nvidia-cuda-runtime-cu12==12.1.105` → `cu121`)."""
    for pin in pins:
        numbers = re.match(r"(\d+)\.(\d+)", pin.version)
        if pin.name in _RUNTIME and numbers:
            return f"cu{numbers[1]}{numbers[2]}", pin
    return "", None


def nearest_builds(package: str, text: str, variant: str) -> tuple[list[str], list[str]]:
    """For a build that does not exist: other builds of the release, and the nearest releases with that build."""
    builds = list(compat.variants(text)) if package == "torch" else []
    with_build = [found.version for found in releases() if has_variant(found.version, variant)]
    newer = [item for item in with_build if key(item) > key(public(text))][:1]
    older = [item for item in with_build if key(item) < key(public(text))][-1:]
    return builds, older + newer

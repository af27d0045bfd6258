"""MDR325: no release of torch matches what is asked for."""

from collections.abc import Iterator

from modeldoctor.facts.pins import Pin
from modeldoctor.facts.skew import Clash, Environment, Package, Skew
from modeldoctor.findings import Hit, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_host import python_minor
from modeldoctor.predict.compat_index import BUILT
from modeldoctor.predict.versions import allows, public, together
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, place, release_of


@rule(
    Skew,
    code="MDR325",
    slug="no-matching-release",
    severity=Severity.ERROR,
    since="0.1",
    summary="no release of torch or a companion satisfies the requirement",
)
def no_matching_release(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """The specifier is valid, but there is nothing that it allows.

    ## What it finds
    An exact version that was never released (`torch==2.5.2`, `torchvision==0.22.2`), and ranges that no release
    satisfies: bounds that exclude each other, or that together with the Python of the target, the system's glibc or
    pinned companions leave nothing. The finding says which of them excludes what. Versions newer than the tables are
    skipped, since they may exist by now; so are pre-releases, and pins that come from an index of their own.

    ## Why it matters
    pip and uv stop, so the image does not build. The message of pip lists versions but not the reason, which is often
    the Python of the base image rather than the specifier.

    ## Seen as
    * `ERROR: Could not find a version that satisfies the requirement torch==2.5.2 (from versions: 1.11.0, …, 2.5.1,
      2.6.0)`
    * `ERROR: No matching distribution found for torch==2.5.2`
    * uv: `No solution found when resolving dependencies: Because there is no version of torch==2.5.2 …`

    ## Fix
    Take a version that exists; the nearest ones are named in the finding:

    ```text
    torch==2.5.1
    ```

    ## References
    * The registry's list of torch, torchvision and torchaudio releases up to the date of the tables
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    for clash in environment.clashes:
        if clash.kind == "no match":
            yield _range(environment, clash)
    for name in BUILT:
        package = environment.packages.get(name)
        if package and package.version and package.pins and package.step is not None and not package.given:
            yield from _exact(package)
    if (
        environment.torch
        and environment.torch.pins
        and compat.torch_release(environment.torch.version).status == "newer"
    ):
        yield from release_of(environment, environment.torch)


def _exact(package: Package) -> Iterator[Hit | Unjudged]:
    pin = next((pin for pin in package.pins if pin.version and pin.name == package.name), None)
    if pin is None or pin.url or pin.role == "locked" or pin.manager == "conda" or _own_index(package, pin):
        return
    version = public(pin.version)
    if package.name == "torch":
        known = compat.torch_release(version)
        if known.status != "unknown":
            return
        nearest = known.nearest
    else:
        versions = compat.known_versions(package.name)
        if version in versions or not versions or not allows(f"<{versions[-1]}", version):
            return
        nearest = (
            tuple(text for text in versions if allows(f"<{version}", text))[-1:]
            + tuple(text for text in versions if allows(f">{version}", text))[:1]
        )
    yield Hit(
        f"there is no {package.name} {version}: the nearest are {' and '.join(nearest)}",
        where=place(pin),
        fix=f"write `{package.name}=={nearest[0]}`",
        notes=(("seen as", f"ERROR: No matching distribution found for {package.name}=={version}"),),
        key=package.name,
    )


def _own_index(package: Package, pin: Pin) -> bool:
    """Whether the package comes from a place that may have what the registry does not (LTS, nightly, private)."""
    from modeldoctor.predict.compat_index import variant_of_url

    if pin.origin:
        return True
    return any(
        "/lts/" in index.url or "/nightly" in index.url or variant_of_url(index.url) in {"", "*"}
        for index in (package.step.indexes if package.step else ())
    )


def _range(environment: Environment, clash: Clash) -> Hit:
    asked = together(*(pin.specifier for pin in clash.pins))
    fits = [text for text in _versions(clash.package) if allows(asked, text)]
    reasons = []
    if not fits:
        reasons.append(f"`{asked}` excludes every release")
    else:
        reasons.append(f"`{asked}` leaves {fits[0]} to {fits[-1]}" if len(fits) > 1 else f"`{asked}` leaves {fits[0]}")
        reasons += _limits(environment, fits)
    pin = clash.pins[0]
    return Hit(
        f"no {clash.package} matches: {', '.join(reasons)}",
        where=place(pin),
        fix="widen the bound that excludes it"
        if not fits
        else "change the Python or the base image, or widen the bound",
        notes=(("seen as", f"ERROR: No matching distribution found for {pin.text.split(';')[0].strip()}"),),
        key=clash.package,
    )


def _versions(package: str) -> list[str]:
    return (
        [found.version for found in compat.releases()] if package == "torch" else list(compat.known_versions(package))
    )


def _limits(environment: Environment, fits: list[str]) -> Iterator[str]:
    """What else keeps those releases away."""
    python = python_minor(environment.python.version)
    where = Platform(environment.system, environment.machine)
    found = [item for text in fits if (item := compat.release(text))]
    if python and not any(python in item.pythons for item in found):
        yield f"which have no wheel for Python {python}"
    elif environment.glibc and environment.glibc != "musl" and environment.glibc < "2.28":
        yield f"which need a newer glibc than {environment.glibc}"
    elif not any(compat.has_wheel(item, python, where) for item in found):
        yield f"which have no wheel for {where}"

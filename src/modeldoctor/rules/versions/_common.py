"""What the version rules share: walking environments, places of pins, and the computed fix."""

from collections.abc import Callable, Iterator

from modeldoctor.facts.pins import Pin
from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Hit, Related, Unjudged, Where

Check = Callable[[Environment], Iterator[Hit | Unjudged]]


def over(skew: Skew, check: Check) -> Iterator[Hit | Unjudged]:
    """What a check says of every environment; one that repeats itself at the same place is heard once."""
    seen: set[object] = set()
    for environment in skew.environments:
        for answer in check(environment):
            same = (answer.where, answer.key) if isinstance(answer, Hit) else answer.reason
            if same not in seen:
                seen.add(same)
                yield answer


# Words in the name of a file that is meant for other hardware than a CUDA host.
_OTHER_HARDWARE = {"cpu", "mac", "macos", "mps", "osx", "darwin", "rocm", "amd", "xpu", "intel", "ipex", "neuron",
                   "hpu", "gaudi", "tpu", "jetson", "windows", "win"}  # fmt: skip


def over_hardware(skew: Skew, check: Check) -> Iterator[Hit | Unjudged]:
    """What a check says of the environments that the GPU of the target is for: not tests, docs or other hardware."""
    import re

    kept = tuple(
        environment
        for environment in skew.environments
        if not environment.installation.rank[1]
        and not _OTHER_HARDWARE & set(re.split(r"[^a-z]+", environment.name.rpartition("/")[2].lower()))
    )
    return over(skew._replace(environments=kept), check)


def place(pin: Pin) -> Where:
    """Where a pin stands."""
    return Where(pin.path, line=pin.line)


def stated(package: Package) -> Pin | None:
    """The statement that decides on a package; None when nothing names it."""
    return package.pins[0] if package.pins else None


def where(environment: Environment, *packages: Package | None) -> Where:
    """The place of the first package that has one, else of the file that begins the environment."""
    for package in packages:
        if package is not None and package.pins:
            return place(package.pins[0])
    return Where(environment.installation.files[0] if environment.installation.files else environment.name)


def beside(*packages: Package | None) -> tuple[Related, ...]:
    """The places of other packages that a finding is about."""
    return tuple(
        Related(place(package.pins[0]), f"{package.name} {package.version}".strip())
        for package in packages
        if package is not None and package.pins
    )


def shown(package: Package, *, build: bool = True) -> str:
    """`torch 2.1.0+cu118`, with a word on versions that nobody pinned; without its build where that doesn't matter."""
    from modeldoctor.predict.versions import public

    local = f"+{package.variant}" if package.variant and build else ""
    text = f"{package.name} {public(package.version)}{local}"
    return text if package.certain else f"{text} (today's newest)"


def release_of(environment: Environment, package: Package | None) -> Iterator[Unjudged]:
    """Why nothing can be said of a torch release; nothing when it is in the tables, or when there is no torch."""
    from modeldoctor.predict.compat import newest, torch_release
    from modeldoctor.tables import table

    if package is None or not package.version:
        return
    known = torch_release(package.version)
    if known.status == "newer":
        as_of = table("compat")["as_of"]
        yield Unjudged(f"torch {package.version} is newer than the tables ({newest().version}, {as_of})")
    elif known.status != "known":
        yield Unjudged(f"torch {package.version} is not in the tables ({known.status}); in {environment.name}")


def remedy(environment: Environment) -> str:
    """The smallest change that satisfies everything at once, as lines to paste; else what excludes what."""
    from modeldoctor.predict.compat_fix import smallest_change, walls
    from modeldoctor.predict.compat_text import advice

    change = smallest_change(environment)
    if change is not None:
        return advice(environment, change)
    limits = "; ".join(f"{wall.constraint} leaves {wall.leaves}" for wall in walls(environment))
    return f"no release satisfies everything, so give up one of these: {limits}"

"""Which environment is judged, and why: flags, configuration, the project, `--interpreter`, an active environment."""

from typing import NamedTuple

from modeldoctor.errors import UsageError
from modeldoctor.facts.environment import Decision, Installed, Target, Value
from modeldoctor.facts.pins import Requirements
from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.predict import compat
from modeldoctor.predict.compat_gpu import gpu, gpu_names, gpus_named, parse_driver
from modeldoctor.predict.compat_resolve import resolve
from modeldoctor.predict.versions import allows, minor, public, version
from modeldoctor.wording import did_you_mean, listing

NAMES = ("torch", "python", "numpy", "cuda", "driver", "gpus", "platform")


class Decided(NamedTuple):
    """The target, how each of its values was chosen, and the environment that the project's own files lead to."""

    target: Target
    decisions: tuple[Decision, ...]
    environment: Environment | None = None


def resolve_target(
    given: Target,
    requirements: Requirements | None = None,
    interpreter: Installed | None = None,
    active: Installed | None = None,
) -> Decided:
    """The target of a project.

    `given` holds flags and configuration (a flag has replaced what the configuration says). Then come exact pins and
    the image of the project, then `--interpreter`, then an active environment; a version that the project leaves open
    is filled from those two when theirs fits, else by the newest that fits today.
    """
    main = requirements.main if requirements else None
    environment = resolve(main, given) if main else None
    # What the files say by themselves; shown when a flag overrules it.
    stated = resolve(main, given._replace(torch=None, python=None, numpy=None, cuda=None)) if main else None
    candidates: dict[str, list[Value]] = {name: [] for name in NAMES}
    for name in ("torch", "python", "numpy", "cuda", "driver", "platform"):
        value = getattr(given, name)
        candidates[name] += [value] if value else []
    ranked = [*_given_torch(environment), *_from_project(stated, certain=True), *_installed(interpreter, "interpreter"),
              *_installed(active, "environment"), *_from_project(stated, certain=False)]  # fmt: skip
    for name, value in ranked:
        if _fits(stated, name, value):
            candidates[name].append(value)
    chosen = {name: values[0] for name, values in candidates.items() if values}
    chosen = _consistent(chosen, candidates)
    target = Target(**chosen, gpus=given.gpus)
    decisions = [
        _decision(name, candidates[name], chosen.get(name), main is not None) for name in NAMES if name != "gpus"
    ]
    cards = given.gpus or ()
    decisions += [Decision("gpu", card) for card in cards] or [Decision("gpu", None, (), "no `--gpu` was given")]
    return Decided(target, tuple(decisions), environment)


def require_known(given: Target) -> None:
    """UsageError for a flag or a setting that names nothing: a GPU, a driver, a platform, a version of Python.

    Releases that the tables do not know are not wrong: their verdicts are unknown.
    """
    for card in given.gpus or ():
        if gpu(card.text) is None:
            near = [found.name for found in gpus_named(card.text)]
            more = f"; it may be {listing(near, 4)}" if near else did_you_mean(card.text, gpu_names())
            raise UsageError(f"{card.source}: no GPU is called `{card.text}`{more}")
    if given.driver and parse_driver(given.driver.text) is None:
        raise UsageError(f"{given.driver.source}: `{given.driver.text}` is no driver version such as 550.54.15 or 535")
    if given.platform and compat.platform(given.platform.text) is None:
        names = ["linux/amd64", "linux/arm64", "windows", "macos"]
        text = given.platform.text
        raise UsageError(f"{given.platform.source}: no platform is called `{text}`, only such as {listing(names, 9)}")
    if given.python and given.python.release[:1] not in {(2,), (3,)}:
        raise UsageError(f"{given.python.source}: there is no Python {given.python.text}, only versions such as 3.11")


def skew_of(requirements: Requirements, given: Target, decided: Decided | None = None) -> Skew:
    """The fact that the version rules judge: every environment of a project under what the user gave."""
    from datetime import UTC, datetime

    decided = decided or resolve_target(given, requirements)
    environments = tuple(resolve(installation, given) for installation in requirements.installations)
    age_days = compat.age_days(datetime.now(tz=UTC).date().isoformat())
    return Skew(requirements.path, requirements, environments, decided.target, decided.decisions, age_days)


def _from_project(environment: Environment | None, *, certain: bool) -> list[tuple[str, Value]]:
    """What the files of the project say, either pinned or left open."""
    if environment is None:
        return []
    found: list[tuple[str, Value]] = []
    for name, package in (("torch", environment.torch), ("numpy", environment.packages.get("numpy"))):
        if package and package.version and package.certain == certain and version(package.version):
            value = _value(package)
            found.append((name, value))
            if name == "torch" and (cuda := _cuda(package.variant)):
                found.append(("cuda", value._replace(text=cuda, why=package.variant_why)))
    python = environment.python
    if python.version and certain and python.pins:
        found.append(("python", Value(python.version, python.place, "project", python.why)))
    if certain and "platform" not in environment.assumed:
        image = environment.installation.image
        if image and image.platform:
            found.append(("platform", Value(f"{environment.system} {environment.machine}", image.place, "project")))
    return found


def _given_torch(environment: Environment | None) -> list[tuple[str, Value]]:
    """The build of the torch that a flag names: the default one."""
    torch = environment.torch if environment else None
    cuda = _cuda(torch.variant) if torch and torch.given else ""
    return [("cuda", Value(cuda, torch.why, "given", torch.variant_why))] if torch and cuda else []


def _value(package: Package) -> Value:
    """A version with its place."""
    text = package.version if package.name == "torch" else public(package.version)
    why = (
        f"{package.why}; asked for is `{package.pins[0].text}`" if package.pins and not package.certain else package.why
    )
    return Value(text, package.place, "project", why)


def _installed(installed: Installed | None, kind: str) -> list[tuple[str, Value]]:
    """What an environment on disk holds."""
    if installed is None:
        return []
    rows = (
        ("torch", public(installed.torch)),
        ("cuda", installed.cuda),
        ("python", installed.python),
        ("numpy", installed.version("numpy")),
    )
    return [(name, Value(text, installed.path, kind)) for name, text in rows if text]


def _cuda(variant: str) -> str:
    return "cpu" if variant == "cpu" else compat.cuda_of(variant)


def _fits(environment: Environment | None, name: str, value: Value) -> bool:
    """Whether a value from an environment on disk can be what the project asks for."""
    if environment is None or value.kind == "project":
        return True
    package = environment.python if name == "python" else environment.packages.get(name)
    if package is None or not package.specifier:
        return True
    return allows(package.specifier, minor(value.text) if name == "python" else value.text)


def _consistent(chosen: dict[str, Value], candidates: dict[str, list[Value]]) -> dict[str, Value]:
    """The CUDA build belongs to the torch that was chosen: one from another source says nothing about it."""
    torch, cuda = chosen.get("torch"), chosen.get("cuda")
    if torch is None or cuda is None or cuda.kind == "given" or torch.source == cuda.source or torch.kind == cuda.kind:
        return chosen
    same = [value for value in candidates["cuda"] if value.kind == torch.kind]
    kept = {name: value for name, value in chosen.items() if name != "cuda"}
    return {**kept, "cuda": same[0]} if same else kept


def _decision(name: str, values: list[Value], chosen: Value | None, has_project: bool) -> Decision:
    """How one value was chosen: what lost to it, or why there is none."""
    if chosen is None:
        return Decision(name, None, (), _missing(name, has_project))
    return Decision(name, chosen, tuple(value for value in values if value.text != chosen.text))


def _missing(name: str, has_project: bool) -> str:
    """Why a value is not known."""
    if name == "driver":
        return "no `--driver` was given"
    if name == "platform":
        return "nothing says which; linux x86_64 is assumed where it matters"
    return "the project does not say" if has_project else f"no `--{name}` was given and there is no project"

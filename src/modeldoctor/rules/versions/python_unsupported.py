"""MDR311: no wheel of this torch for this Python."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Package, Skew
from modeldoctor.findings import Confidence, Hit, Related, Severity, Unjudged
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_host import python_minor
from modeldoctor.predict.versions import allows, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import beside, over, place, release_of, remedy, where
from modeldoctor.tables import table

# What `python:3`, `python:latest` and `python` mean for the next years; the newest are listed, older ones are gone.
FLOATING = ("3.13", "3.14", "3.15")


@rule(
    Skew,
    code="MDR311",
    slug="python-unsupported",
    severity=Severity.ERROR,
    since="0.1",
    summary="the pinned torch, or a package beside it, has no build for this Python",
)
def python_unsupported(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Every torch release has wheels for a handful of Python minors; for any other one there is nothing to install.

    ## What it finds
    The Python of the target (`--python`, the base image, `.python-version`, `conda`, `uv venv`, `apt-get install
    python3.11`, the python3 of the image's system) against the wheels of the pinned torch on the target's platform, and
    against `Requires-Python` of NumPy, vLLM, triton, transformers, Django, FastAPI and other packages with pinned
    versions. Tags that float (`python:3`, `python:latest`) are taken for today's newest Pythons. A Python that is only
    named in a CI matrix decides nothing.

    ## Why it matters
    torch has no source distribution on the registry, so pip does not fall back to compiling: the image does not build.
    It is the commonest reason why an old repository stops building although nobody touched it.

    ## Seen as
    * `ERROR: Could not find a version that satisfies the requirement torch==1.6.0 (from versions: 2.2.0, 2.2.1, …)`
    * `ERROR: No matching distribution found for torch==1.6.0`
    * uv: `Because torch==1.6.0 has no wheels with a matching Python version tag (e.g., cp312) …`

    ## Fix
    Change the Python of the base image to one that the release supports, or take the first torch that supports the
    Python you have; the companions move with it:

    ```dockerfile
    FROM python:3.11-slim
    ```

    ## References
    * Wheel tags of torch 1.0.0 to 2.15.0 and METADATA of the other packages
    * pytorch/pytorch issues 66399, 114893 and 144024
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit | Unjudged]:
    torch = environment.torch
    python = python_minor(environment.python.version)
    floating = _floating(environment)
    if not python and not floating:
        return
    yield from release_of(environment, torch) if torch and torch.version else ()
    found = compat.release(torch.version) if torch else None
    if torch and found and _installed_by_pip(torch):
        yield from _torch(environment, torch, python, floating=floating)
    if python:
        yield from _others(environment, python)


def _floating(environment: Environment) -> bool:
    image = environment.installation.image
    return bool(image and image.family == "python" and image.floating and not environment.python.version)


def _installed_by_pip(package: Package) -> bool:
    """Whether wheels decide: not in a base image, and not with conda, which builds for other Pythons too."""
    return package.step is not None and not any(pin.manager == "conda" or pin.url for pin in package.pins)


def _torch(environment: Environment, torch: Package, python: str, *, floating: bool) -> Iterator[Hit]:
    found = compat.release(torch.version)
    platform = Platform(environment.system, environment.machine)
    if found is None or not (torch.certain or torch.given):
        return
    if floating:
        if any(text in found.pythons for text in FLOATING):
            return
        python = FLOATING[1]
        environment = environment._replace(python=environment.python._replace(version=python))
    elif compat.has_wheel(found, python, platform):
        return
    if python in found.pythons:  # the platform is what is missing
        message = f"torch {found.version} has no wheel for {platform}"
    else:
        today = " (or newer), which the image's tag means today" if floating else ""
        message = f"torch {found.version} has no wheel for Python {python}{today}: it has {compat.pythons_of(found)}"
    yield Hit(
        message,
        where=where(environment, torch, environment.python),
        fix=f"use Python {_newest(found.pythons)}, or {remedy(environment)}",
        notes=(("seen as", f"ERROR: No matching distribution found for torch=={found.version}"),),
        related=tuple(Related(place(pin), f"Python: {pin.text}") for pin in environment.python.pins[:1]),
        confidence=Confidence.MEDIUM if floating else None,
        key="torch",
    )


def _newest(pythons: tuple[str, ...]) -> str:
    return [text for text in pythons if not text.endswith("t")][-1]


def _others(environment: Environment, python: str) -> Iterator[Hit]:
    for name, package in environment.packages.items():
        asked = _asks(name, package) if package.certain and package.version and _installed_by_pip(package) else ""
        if name == "torch" or not asked or allows(asked, python):
            continue
        yield Hit(
            f"{name} {public(package.version)} does not support Python {python}: it asks for {asked}",
            where=where(environment, package),
            fix=f"take a {name} for Python {python}, or a Python that `{asked}` allows",
            notes=(
                (
                    "seen as",
                    f"ERROR: Ignored the following versions that require a different python version: {package.version}",
                ),
            ),
            related=beside(environment.python),
            key=name,
        )


def _asks(name: str, package: Package) -> str:
    """What a version of a package asks of Python; `""` when that isn't known."""
    version = public(package.version)
    if name == "numpy":
        rows = table("compat")["numpy_python"]
        return str(rows.get(".".join(version.split(".")[:2]), ["", ""])[1])
    for row in table("web")["python"]:
        if row["package"] == name and allows(row["versions"], version):
            return str(row["python"])
    return compat.asks_python(name, version)

"""MDR323: two places that pin different versions."""

import posixpath
from collections.abc import Iterator

from modeldoctor.facts.skew import Clash, Environment, Package, Skew
from modeldoctor.findings import Hit, Related, Severity, Unjudged
from modeldoctor.predict.versions import minor, public
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, place

# Files that say what serves by their very name; others (`requirements-gpu.txt`) stand beside them on purpose.
_MAIN = {"dockerfile", "requirements.txt", "environment.yml", "environment.yaml", "pyproject.toml", "setup.py",
         "setup.cfg", "pipfile", "pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock", "pylock.toml",
         "conda-lock.yml"}  # fmt: skip
COMPARED = ("torch", "torchvision", "numpy", "transformers")


@rule(
    Skew,
    code="MDR323",
    slug="conflicting-pins",
    severity=Severity.WARNING,
    since="0.1",
    summary="two places pin different versions of one package",
)
def conflicting_pins(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Two files of one service name different releases of torch, or one install is asked for two.

    ## What it finds
    * Two exact versions of one package in what a single `pip install` reads (a requirement file and the one it
      includes, a constraint): an error, pip refuses.
    * A step of a Dockerfile that installs one torch and a later step that replaces it by another: a warning; the last
      one wins, and the finding says which that is.
    * Files side by side that each describe the environment (Dockerfile, lock, requirements, pyproject, conda) and pin
      another minor of torch, torchvision, NumPy or transformers: a warning with both places.

    Files for other purposes (tests, examples, training, `-cpu` and `-gpu` alternatives, extras) are not compared, nor
    are those of other folders.

    ## Why it matters
    The tests run with one torch and the service with another. Checkpoints that load on the laptop are refused in the
    container (`weights_only` changed in 2.6), and whoever edits one file believes the version is changed. In a
    Dockerfile the first install also stays in the image as a layer of gigabytes.

    ## Seen as
    * `ERROR: Cannot install torch==2.1.0 and torch==2.0.1 because these package versions have conflicting
      dependencies.`
    * `Attempting uninstall: torch … Successfully uninstalled torch-2.1.0` in the log of an image build

    ## Fix
    Keep the version in one place and let the others refer to it:

    ```dockerfile
    COPY requirements.txt .
    RUN pip install -r requirements.txt
    ```

    ## References
    * pip, dependency resolution: `ResolutionImpossible`
    * In a Dockerfile the last install wins: `pip install` replaces what does not satisfy it
    """
    del context
    yield from over(skew, _check)
    yield from _side_by_side(skew)


def _check(environment: Environment) -> Iterator[Hit]:
    for clash in environment.clashes:
        if clash.kind == "disagree":
            yield _disagree(clash)
        elif clash.kind == "replaced" and all(pin.role != "installed" for pin in clash.pins):
            yield _replaced(clash)


def _disagree(clash: Clash) -> Hit:
    pins = list({public(pin.version): pin for pin in clash.pins if pin.version}.values())
    first, *others = pins
    versions = " and ".join(public(pin.version) for pin in pins)
    return Hit(
        f"one install asks for {clash.package} {versions}",
        where=place(first),
        fix=f"keep one of them; pip refuses to install two versions of {clash.package}",
        notes=(
            ("seen as", f"ERROR: Cannot install {' and '.join(pin.text for pin in pins)}: conflicting dependencies"),
        ),
        related=tuple(Related(place(pin), pin.text) for pin in others),
        severity=Severity.ERROR,
        key=clash.package,
    )


def _replaced(clash: Clash) -> Hit:
    last = clash.pins[-1]
    return Hit(
        f"{clash.package} {public(clash.version)} is installed first and then replaced by {clash.instead}",
        where=place(last),
        fix=f"install {clash.package} once, with the version that you want",
        related=tuple(Related(place(pin), pin.text) for pin in clash.pins[:1]),
        key=clash.package,
    )


def _side_by_side(skew: Skew) -> Iterator[Hit]:
    """Environments of one folder that both serve."""
    serving = [environment for environment in skew.environments if _serves(environment)]
    for main, other in zip(serving[:1] * len(serving), serving[1:], strict=False):
        if posixpath.dirname(other.installation.files[0]) != posixpath.dirname(main.installation.files[0]):
            continue
        for name in COMPARED:
            left, right = main.packages.get(name), other.packages.get(name)
            if left and right and _differ(left, right):
                yield Hit(
                    f"{name} {public(right.version)} here, but {public(left.version)} in {left.pins[0].path}",
                    where=place(right.pins[0]),
                    fix=f"write the same version of {name} in both, or keep it in one of them",
                    related=(Related(place(left.pins[0]), f"{name} {public(left.version)}"),),
                    key=name,
                )


def _serves(environment: Environment) -> bool:
    installation = environment.installation
    if installation.rank[1] or not installation.files or "[" in installation.name:
        return False
    return posixpath.basename(installation.files[0]).lower() in _MAIN


def _differ(left: Package, right: Package) -> bool:
    if not (left.certain and right.certain and left.pins and right.pins and left.version and right.version):
        return False
    if left.pins[0].place == right.pins[0].place:
        return False
    if left.name != "torch" and "installed" in {left.pins[0].role, right.pins[0].role}:
        return False
    return minor(left.version) != minor(right.version)

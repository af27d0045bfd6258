"""MDR328: the system of the image is too old for the wheel, or has no glibc."""

from collections.abc import Iterator

from modeldoctor.facts.skew import Environment, Skew
from modeldoctor.findings import Hit, Related, Severity, Unjudged, Where
from modeldoctor.predict import compat
from modeldoctor.predict.versions import key
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.versions._common import over, shown, where


@rule(
    Skew,
    code="MDR328",
    slug="glibc-too-old",
    severity=Severity.ERROR,
    since="0.1",
    summary="the image's system is too old for the torch wheel, or is Alpine, which has none",
)
def glibc_too_old(skew: Skew, context: Context) -> Iterator[Hit | Unjudged]:
    """Wheels for Linux are built against a glibc, and pip skips those that need a newer one than the system has.

    ## What it finds
    * A pinned torch of 2.7.0 or newer (`manylinux_2_28`, so glibc 2.28) on a base image with an older system: Ubuntu
      18.04, Debian 9, CentOS 7, Amazon Linux 2.
    * Any torch wheel on Alpine: it has musl instead of glibc, and no torch release has a wheel for it.

    ## Why it matters
    pip reports that no version exists, which sends people looking for a wrong version number. With a range it silently
    takes 2.6.0 instead. An environment that was copied from a newer system into such an image fails when torch is
    imported.

    ## Seen as
    * `ERROR: Could not find a version that satisfies the requirement torch==2.7.0 (from versions: 1.11.0, …, 2.6.0)`
    * `ERROR: Could not find a version that satisfies the requirement torch (from versions: none)` (Alpine)
    * ``ImportError: /lib64/libc.so.6: version `GLIBC_2.28' not found (required by .../torch/lib/libtorch_python.so)``

    ## Fix
    Change the base image; Debian and Ubuntu variants of the same image exist almost always:

    ```dockerfile
    FROM python:3.12-slim
    ```

    ## References
    * Wheel tags and GLIBC symbol versions of torch 1.5.1 to 2.15.0
    * PEP 600 (manylinux), PEP 656 (musllinux)
    """
    del context
    return over(skew, _check)


def _check(environment: Environment) -> Iterator[Hit]:
    torch, image = environment.torch, environment.installation.image
    if torch is None or image is None or not environment.glibc or torch.step is None:
        return
    if any(pin.manager == "conda" for pin in torch.pins):
        return
    found = compat.release(torch.version)
    if environment.glibc == "musl":
        message = f"no torch has a wheel for Alpine, which {image.reference} is: pip finds nothing"
        fix = "use the Debian variant of the image, such as `python:3.12-slim`"
        seen = "ERROR: Could not find a version that satisfies the requirement torch (from versions: none)"
    elif found and torch.certain and key(environment.glibc) < key(compat.glibc_needed(found)):
        needed = compat.glibc_needed(found)
        message = f"{shown(torch)} needs glibc {needed}, and {image.os} has {environment.glibc}"
        fix = "use a newer base image (Debian 10, Ubuntu 20.04 or later), or torch 2.6.0"
        seen = f"ERROR: No matching distribution found for torch=={found.version}"
    else:
        return
    yield Hit(
        message,
        where=Where(image.path, line=image.line),
        fix=fix,
        notes=(("seen as", seen),),
        related=(Related(where(environment, torch), "torch is asked for here"),),
        key="glibc",
    )

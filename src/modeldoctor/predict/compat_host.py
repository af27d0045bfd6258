"""Where an installation runs: platform, Python, system libraries, and which markers hold there."""

import re
from functools import cache
from typing import NamedTuple

from modeldoctor.facts.environment import Target
from modeldoctor.facts.pins import Installation, Pin
from modeldoctor.facts.skew import Package
from modeldoctor.predict import compat
from modeldoctor.predict.compat import Platform
from modeldoctor.predict.compat_gpu import gpu
from modeldoctor.predict.versions import allows, key, minor, specifiers
from modeldoctor.tables import table

# Python for markers when nothing says which one it is.
ASSUMED_PYTHON = "3.12"


class Host(NamedTuple):
    """What is under the packages. `glibc` is `musl` on Alpine; `assumed` names what nothing says."""

    where: Platform
    python: Package
    glibc: str
    assumed: tuple[str, ...]

    def applies(self, pin: Pin) -> bool:
        """Whether the marker of a pin holds here."""
        if not pin.marker:
            return True
        return marker_holds(pin.marker, self.python.version or self._guess(), self.where, pin.group)

    def _guess(self) -> str:
        """A Python to evaluate markers with, inside the range that is known."""
        known = [text for found in reversed(compat.releases()) for text in found.pythons if not text.endswith("t")]
        return next((text for text in [ASSUMED_PYTHON, *known] if allows(self.python.specifier, text)), ASSUMED_PYTHON)

    def has_wheel(self, text: str) -> bool:
        """Whether a torch release has a wheel that pip takes here."""
        found = compat.release(text)
        if found is None or not compat.has_wheel(found, python_minor(self.python.version), self.where):
            return False
        plain = (text for text in found.pythons if not text.endswith("t"))
        if not self.python.version and not any(allows(self.python.specifier, text) for text in plain):
            return False
        known = self.glibc and self.where.system == "linux" and self.glibc != "musl"
        return not known or key(self.glibc) >= key(compat.glibc_needed(found))


def host(installation: Installation, target: Target) -> Host:
    """The host that an installation and a target describe together."""
    where = _platform(installation, target)
    python = _interpreter(installation, target)
    image = installation.image
    linux = where is None or where.system == "linux"
    glibc = compat.glibc_of(image.os) if image and linux else ""
    assumed = [name for name, known in (("platform", where), ("python", python.version)) if not known]
    return Host(where or Platform(), python, glibc, tuple(assumed))


def _platform(installation: Installation, target: Target) -> Platform | None:
    """The target's, else the image's, else what its GPUs are bound to."""
    image = installation.image
    for text in (target.platform.text if target.platform else "", image.platform if image else ""):
        found = compat.platform(text) if text else None
        if found:
            return found
    cards = [gpu(card.text) for card in target.gpus or ()]
    bound = bool(cards) and all(card is not None and card.machine for card in cards)
    return Platform("linux", "aarch64") if bound else None


def _interpreter(installation: Installation, target: Target) -> Package:
    """The Python that is used: the target's, else the first statement that names one, else a range."""
    given = target.python
    if given and given.kind == "given":
        return Package("python", given.text, f"=={python_minor(given.text)}.*", why=given.source)
    pins = [pin for pin in installation.pythons if pin.role != "ci"]
    for pin in pins:
        if re.fullmatch(r"==\d+\.\d+(?:\.\*|\.\d+)?", pin.specifier):
            return Package("python", python_minor(pin.specifier), pin.specifier, pins=(pin,))
    system = _system_python(installation)
    if system:
        return system
    ranged = next((pin for pin in pins if pin.specifier and specifiers(pin.specifier) is not None), None)
    if ranged is None:
        return Package("python", certain=False)
    return Package("python", "", ranged.specifier, certain=False, pins=(ranged,))


def _system_python(installation: Installation) -> Package | None:
    """The python3 of the operating system, when a container installs that."""
    image = installation.image
    text = table("compat")["os_python"].get(image.os, "") if image else ""
    apt = [pin for pin in installation.pins("python") if pin.manager == "apt"]
    if not text or not apt or image is None:
        return None
    return Package("python", text, f"=={text}.*", why=f"python3 of {image.os}", pins=(apt[0],))


def python_minor(text: str) -> str:
    """`3.10.4` or `==3.10.*` → `3.10`; `3.13t` stays."""
    found = re.search(r"(\d+\.\d+t?)", text)
    return found[1] if found else ""


@cache
def marker_holds(text: str, python: str, where: Platform, extra: str = "") -> bool:
    """Whether an environment marker holds for the target; an invalid one counts as true, as it limits nothing."""
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    system = {"linux": "linux", "windows": "win32", "macos": "darwin"}[where.system]
    machine = {("macos", "aarch64"): "arm64", ("windows", "x86_64"): "AMD64"}.get((*where,), where.machine)
    environment = {
        "python_version": minor(python) or python,
        "python_full_version": python if python.count(".") == 2 else f"{python}.0",
        "sys_platform": system,
        "platform_system": {"linux": "Linux", "win32": "Windows", "darwin": "Darwin"}[system],
        "os_name": "nt" if system == "win32" else "posix",
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": extra,
    }
    try:
        return Marker(text).evaluate(environment)
    except (InvalidMarker, UndefinedEnvironmentName, RecursionError, ValueError):
        return True

"""Versions and specifiers, parsed once. Thin over `packaging`, which is imported when the first one is asked for."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version


@cache
def version(text: str) -> "Version | None":
    """The parsed version; None when it isn't one."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


@cache
def specifiers(text: str) -> "SpecifierSet | None":
    """The parsed specifier; None when it is invalid. `""` allows any version."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


@cache
def allows(specifier: str, release: str) -> bool:
    """Whether a release satisfies a specifier. An invalid one allows nothing; pre-releases compare by their number."""
    found = specifiers(specifier)
    return found is not None and version(release) is not None and found.contains(release, prereleases=True)


def public(text: str) -> str:
    """A version without its local part: `2.6.0+cu124` → `2.6.0`."""
    return text.partition("+")[0]


def minor(text: str) -> str:
    """The first two numbers: `2.6.0+cu124` → `2.6`."""
    found = version(text)
    return f"{found.major}.{found.minor}" if found else ""


def key(text: str) -> "Version":
    """What versions are sorted by; the text must be valid."""
    found = version(text)
    assert found is not None, text
    return found


def together(*texts: str) -> str:
    """One specifier that asks for all of them."""
    return ",".join(text for text in texts if text)

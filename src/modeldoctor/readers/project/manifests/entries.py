"""One requirement, as PEP 508 or as pip's looser forms, → a `Pin`."""

import re
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from modeldoctor.facts.pins import Pin

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

# Longer ones are no requirements; the parser of markers recurses.
MAX_REQUIREMENT = 4000

# The build in a local version (`2.6.0+cu124`), in a wheel's name (where `+` may be `%2B`), in an index path.
_LOCAL = re.compile(r"(?:\+|%2[Bb])(cu\d{2,3}|cpu|rocm\d+(?:\.\d+)*|xpu)\b")
_INDEX = re.compile(r"/whl/(?:(?:nightly|test|lts/\d+\.\d+)/)?(cu\d{2,3}|cpu|rocm\d+(?:\.\d+)*|xpu)(?:/|$)")
# A channel of another company that mirrors those paths, e.g. `…/pytorch-wheels/cu118`.
_MIRROR = re.compile(r"/pytorch-wheels/(cu\d{2,3}|cpu)(?:/|$)")
_WHEEL = re.compile(r"([A-Za-z0-9][\w.]*?)-(\d[\w.!]*(?:\+[\w.]+)?)(?:-\d\w*)?-[\w.]+-[\w.]+-[\w.]+\.whl$")
_SDIST = re.compile(r"([A-Za-z0-9][\w.-]*?)-(\d[\w.!+]*)\.(?:tar\.gz|zip|tar\.bz2)$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9][\w.-]*)")
_LOOSE = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(\[[^\]]*\])?\s*\(?\s*((?:[=!~<>]=?=?[^;#)]*)?)\)?\s*(?:;(.*))?$")
_COMPUTED = re.compile(r"\$[\w{(]|\{\{|%\(|<[a-z_]+>")
_URL = re.compile(r"(?:[a-z+]+://|file:)", re.IGNORECASE)
_EXACT = re.compile(r"(===|==)\s*([^\s,*]+)$")


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def variant_of(text: str) -> str:
    """The build that a version, a wheel's name or an index path names: `cu118`, `cpu`, `rocm6.2`; `""` for none."""
    found = _LOCAL.search(text) or _INDEX.search(text) or _MIRROR.search(text)
    return found[1].lower() if found else ""


def parse(text: str, path: str, line: int | None, *, group: str = "", role: str = "requirement") -> Pin | None:
    """The pin of a requirement text; None for what names no package (a local folder, an option)."""
    text = text.strip()
    if not text or len(text) > MAX_REQUIREMENT:
        return None
    requirement = _requirement(text)
    if isinstance(requirement, str):
        return _loose(text, path, line, group=group, role=role, why=requirement)
    specifier = str(requirement.specifier)
    url = requirement.url or ""
    pin = Pin(
        name=canonical(requirement.name),
        specifier=specifier,
        text=text,
        path=path,
        line=line,
        version=_exact(specifier),
        variant=variant_of(specifier),
        marker=str(requirement.marker or ""),
        extras=tuple(sorted(requirement.extras)),
        group=group,
        role=role,
    )
    return _from_url(pin, url) if url else pin


def parse_url(url: str, text: str, path: str, line: int | None) -> Pin | None:
    """The pin of a wheel, archive or repository that is named by where it lies; None when that doesn't say what."""
    if len(url) > MAX_REQUIREMENT:
        return None
    bare = unquote(url.split("#", 1)[0])
    egg = _EGG.search(url)
    file = _WHEEL.search(bare.rsplit("/", 1)[-1]) or _SDIST.search(bare.rsplit("/", 1)[-1])
    if file is None and egg is None:
        return None
    name = file[1] if file else egg[1] if egg else ""
    return _from_url(Pin(canonical(name), "", text, path, line), url)


def _from_url(pin: Pin, url: str) -> Pin:
    """The pin with what the file name in its URL says."""
    bare = unquote(url.split("#", 1)[0])
    file = _WHEEL.search(bare.rsplit("/", 1)[-1]) or _SDIST.search(bare.rsplit("/", 1)[-1])
    version = file[2] if file else ""
    return pin._replace(url=url, version=version, specifier=f"=={version}" if version else "", variant=variant_of(bare))


def _loose(text: str, path: str, line: int | None, *, group: str, role: str, why: str) -> Pin | None:
    """What PEP 508 refuses: URLs, and requirements with an invalid version or marker."""
    if _URL.match(text):
        return parse_url(text, text, path, line)
    found = _LOOSE.match(text)
    if found is None:
        return None
    specifier = found[3].strip()
    if _COMPUTED.search(text):  # a variable that only the shell or a template knows
        return Pin(canonical(found[1]), "", text, path, line, group=group, role=role)
    return Pin(
        canonical(found[1]), specifier, text, path, line,
        version=_exact(specifier), variant=variant_of(specifier), group=group, role=role, flaw=why,
    )  # fmt: skip


@cache
def _requirement(text: str) -> "Requirement | str":
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except InvalidRequirement as error:
        return str(error).splitlines()[0]
    except RecursionError:
        return "is nested too deeply"


def _exact(specifier: str) -> str:
    """The one version that a specifier allows, as written; `""` when it allows others."""
    found = _EXACT.fullmatch(specifier.strip())
    return found[2] if found else ""


def specifier_set(text: str) -> "SpecifierSet | None":
    """The parsed specifier; None when it is invalid."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None

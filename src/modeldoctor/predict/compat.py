"""What exists and what fits: torch releases, their builds, Python, platforms, GPU code and drivers, from the tables."""

import re
from functools import cache
from typing import Any, NamedTuple

from modeldoctor.predict.versions import allows, key, minor, public, version
from modeldoctor.tables import table

# Tables this old may lack releases that everybody installs by now.
STALE_AFTER_DAYS = 180


class Release(NamedTuple):
    """A torch release. `cuda` is that of the default Linux x86_64 wheel; unknown facts are None."""

    version: str
    released: str
    cuda: str
    pythons: tuple[str, ...]
    manylinux: str
    numpy2: bool
    numpy2_windows: bool
    cxx11_abi: bool | None
    triton: str
    setuptools: str
    pkg_resources: bool

    @property
    def minor(self) -> str:
        """`2.6`."""
        return minor(self.version)


class Platform(NamedTuple):
    """`linux`, `windows` or `macos`, and `x86_64` or `aarch64` (also for Apple silicon)."""

    system: str = "linux"
    machine: str = "x86_64"

    def __str__(self) -> str:
        return f"{self.system} {self.machine}"


def platform(text: str) -> Platform | None:
    """The platform that a text names: `linux/arm64`, `windows`, `macos-arm64`, `win32`; None when it names none."""
    words = set(re.split(r"[^a-z0-9]+", text.lower().replace("x86_64", "amd64")))
    systems = {"linux": "linux", "manylinux": "linux", "windows": "windows", "win32": "windows", "win": "windows",
               "macos": "macos", "macosx": "macos", "darwin": "macos", "osx": "macos", "mac": "macos"}  # fmt: skip
    machines = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64", "arm": "aarch64"}
    system = next((systems[word] for word in sorted(words) if word in systems), None)
    machine = next((machines[word] for word in sorted(words) if word in machines), None)
    if system is None and machine is None:
        return None
    return Platform(system or "linux", machine or ("aarch64" if system == "macos" else "x86_64"))


# --------------------------------------------------------------------------- releases


@cache
def releases() -> tuple[Release, ...]:
    """Every known torch release, oldest first."""
    return tuple(_release(text, row) for text, row in table("compat")["releases"].items())


def _release(text: str, row: dict[str, Any]) -> Release:
    return Release(
        text, row["released"], row["cuda"], tuple(row["python"]), row["manylinux"], bool(row["numpy2"]),
        row["numpy2"] is True, row.get("cxx11_abi"), row.get("triton", ""), row.get("setuptools", ""),
        row.get("pkg_resources", False),
    )  # fmt: skip


@cache
def release(text: str) -> Release | None:
    """The known release that a version names; its build does not matter. None for unknown ones."""
    return next((found for found in releases() if found.version == public(text)), None)


def newest() -> Release:
    """The newest release in the tables."""
    return releases()[-1]


class Known(NamedTuple):
    """How a torch version stands to the tables. status: `known`, `newer`, `older`, `pre-release`, `unknown`, `invalid`.

    `nearest` are the releases around an unknown one, or those a wrong spelling may have meant.
    """

    status: str
    release: Release | None = None
    nearest: tuple[str, ...] = ()


@cache
def torch_release(text: str) -> Known:
    """What a torch version means: `2.6` is the newest patch of that minor; honest about what is not in the tables."""
    parsed = version(text)
    if parsed is None:
        from difflib import get_close_matches

        close = get_close_matches(text, [found.version for found in releases()], n=2, cutoff=0.5)
        return Known("invalid", None, tuple(close))
    exact = release(text)
    if exact is not None:
        return Known("known", exact)
    same = [found for found in releases() if found.minor == minor(text)]
    if len(parsed.release) == 2 and not parsed.is_prerelease and same:
        return Known("known", same[-1])
    if parsed.is_prerelease:
        return Known("pre-release", None, tuple(found.version for found in same[-1:]))
    if parsed > key(newest().version):
        return Known("newer", None, (newest().version,))
    if parsed < key(releases()[0].version):
        return Known("older", None, (releases()[0].version,))
    around = [found.version for found in releases() if key(found.version) > parsed][:1]
    before = [found.version for found in releases() if key(found.version) < parsed][-1:]
    return Known("unknown", None, (*before, *around))


def collected() -> str:
    """The day (ISO 8601) on which the version tables were collected."""
    return str(table("compat")["as_of"])


def age_days(today: str) -> int:
    """How many days lie between the collection of the tables and an ISO date."""
    from datetime import date

    return (date.fromisoformat(today) - date.fromisoformat(collected())).days


# --------------------------------------------------------------------------- builds


def cuda_of(variant: str) -> str:
    """`cu118` → `11.8`: the last digit is the minor. `""` for builds without CUDA."""
    return f"{variant[2:-1]}.{variant[-1]}" if re.fullmatch(r"cu\d{2,3}", variant) else ""


def variant_of_cuda(cuda: str) -> str:
    """`11.8` → `cu118`; `cpu` stays."""
    return cuda if cuda in {"cpu", ""} else f"cu{cuda.replace('.', '')}"


def variants(text: str) -> tuple[str, ...]:
    """The CUDA builds of a release's minor on the PyTorch index, oldest first; `()` when they are not known."""
    return tuple(table("compat")["variants"].get(minor(text), {}).get("cuda", ()))


def has_variant(text: str, variant: str) -> bool | None:
    """Whether the PyTorch index has this build of a release. None: not known."""
    row = table("compat")["variants"].get(minor(text))
    if row is None or release(text) is None:
        return None
    if variant == "cpu":
        return True
    if variant.startswith("rocm"):
        return None  # the table lists one version of ROCm per release, the index has more
    if not variant.startswith("cu"):
        return None
    if variant in row["cuda"]:
        return True
    return None if variant in row.get("unsure", ()) else False


def minors_with(variant: str) -> tuple[str, ...]:
    """The minor releases that have a build, oldest first."""
    return tuple(text for text, row in table("compat")["variants"].items() if variant in row["cuda"])


def default_variant(found: Release, where: Platform) -> str:
    """The build that the default registry holds for a platform (rules `win-cpu`, `arm-cpu` of the facts)."""
    if where.system != "linux":
        return "cpu"
    # torch/version.py of the aarch64 wheels: CUDA from 2.11.0 on.
    if where.machine == "aarch64" and key(found.version) < key("2.11.0"):
        return "cpu"
    return variant_of_cuda(found.cuda)


def has_wheel(found: Release, python: str, where: Platform) -> bool:
    """Whether a release has a wheel for a Python (`3.12`, `3.13t`) on a platform. `""` is any Python."""
    if python and python not in found.pythons:
        return False
    for row in table("compat")["platform_wheels"]:
        if row["system"] == where.system and row["machine"] == where.machine:
            return row["last"] is not None and key(found.version) <= key(row["last"])
    return True


def pythons_of(found: Release) -> str:
    """The Pythons of a release in words: `3.9 to 3.13`."""
    plain = [text for text in found.pythons if not text.endswith("t") and text != "2.7"]
    return f"{plain[0]} to {plain[-1]}"


def glibc_of(system: str) -> str:
    """The glibc of an operating system (`ubuntu20.04`); `""` when not known, `musl` for Alpine."""
    if system == "alpine":
        return "musl"
    return table("compat")["glibc"].get(system) or ""


def glibc_needed(found: Release) -> str:
    """The glibc that pip asks for before it takes the Linux x86_64 wheel: 2.28 from torch 2.7.0 on."""
    return "2.28" if found.manylinux == "manylinux_2_28" else "2.17"


# --------------------------------------------------------------------------- companions


@cache
def asks(package: str, text: str) -> str | None:
    """What a version of a package asks of torch: a specifier, `""` for any; None when that version is not known."""
    row = _row(package, text)
    return row[1] if row else None


@cache
def asks_python(package: str, text: str) -> str:
    """What a version of a package asks of Python; `""` when nothing is known."""
    row = _row(package, text)
    return row[2] if row else ""


def known_versions(package: str) -> tuple[str, ...]:
    """The versions of a package in the tables, oldest first."""
    return tuple(sorted(_rows(package), key=key))


@cache
def _rows(package: str) -> dict[str, list[Any]]:
    companions = table("compat")["companions"]
    ecosystem = table("ecosystem")
    return companions.get(package) or ecosystem["exact"].get(package) or ecosystem["floor"].get(package) or {}


@cache
def _row(package: str, text: str) -> list[Any] | None:
    rows = _rows(package)
    bare = public(text)
    if bare in rows:
        return rows[bare]
    if package in {"transformers", "lightning", "pytorch-lightning"} and version(bare):
        # The table has the last patch of each minor. Its floor holds for the others, its upper bound may not.
        same = [row for name, row in rows.items() if minor(name) == minor(bare)]
        if same:
            return [same[0][0], ",".join(part for part in same[0][1].split(",") if part.startswith(">")), same[0][2]]
    return None


@cache
def fitting(package: str, torch: str) -> tuple[str, ...]:
    """The versions of a package that work with a torch release, oldest first."""
    return tuple(text for text in known_versions(package) if fits(package, text, torch))


@cache
def fits(package: str, text: str, torch: str) -> bool | None:
    """Whether a version of a package works with a torch release; None when that version is not known."""
    row = _row(package, text)
    if row is None:
        return None
    return allows(row[1], torch) and allows(_also(row).get("works", ""), torch)


def companion_cuda(package: str, text: str) -> str:
    """The CUDA of the default Linux wheel of a companion, where it was read from the wheel itself; else `""`."""
    return _also(_row(package, text) or []).get("cuda", "")


def _also(row: list[Any]) -> dict[str, str]:
    """What METADATA does not say about a version: `works` narrows its torch, `cuda` is that of its default wheel."""
    return dict(row[3]) if len(row) > 3 else {}


@cache
def partner(package: str, text: str) -> str:
    """The torch release that a version of a companion was built with: the oldest that it works with."""
    return next((found.version for found in releases() if fits(package, text, found.version)), "")


# --------------------------------------------------------------------------- NumPy


def numpy_for(python: str, specifier: str = "") -> str:
    """The newest NumPy that a Python and a specifier allow; `""` when none is known."""
    rows = table("compat")["numpy_python"]
    fits = [row[0] for row in rows.values() if allows(specifier, row[0]) and (not python or allows(row[1], python))]
    return max(fits, key=key, default="")


def numpy_ok(found: Release, numpy: str, where: Platform) -> bool:
    """Whether torch can use a NumPy: 2.x from torch 2.3.0 on, on Windows from 2.4.1 on."""
    if not allows(">=2.0.0a0", numpy):
        return True
    return found.numpy2_windows if where.system == "windows" else found.numpy2

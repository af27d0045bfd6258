"""GPUs, the code in a torch build, and drivers: whether a wheel runs on a card."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from modeldoctor.predict.compat import Platform, Release, cuda_of, has_variant, release
from modeldoctor.predict.versions import key, minor
from modeldoctor.tables import table

# Integrated devices that only run code built for them (DEVICE_REQUIREMENT in torch/cuda/__init__.py of 2.15.0).
OWN_CODE_ONLY = (53, 62, 72, 87)
# From CUDA 13.2 builds on torch does not exclude these any more (the same place).
OWN_CODE_UNTIL = {72: "13.2", 87: "13.2"}

_NOISE = re.compile(r"\b(?:nvidia|tesla|geforce|generation|graphics|gpu|laptop|device)\b")
_CAPABILITY = re.compile(r"(?:sm[_-]?)?(\d{1,2})\.?(\d)$")


class Gpu(NamedTuple):
    """A GPU model. `capability` is the compute capability times ten (86), `kind` its market (`datacenter`)."""

    name: str
    capability: int
    kind: str
    memory_gb: float | None = None
    reported_mib: int | None = None

    @property
    def sm(self) -> str:
        """`sm_86`."""
        return f"sm_{self.capability}"

    @property
    def machine(self) -> str:
        """The machine that a GPU is bound to; `""` for a card that goes into any."""
        bound = ("GH200", "GB200", "GB300", "GB10")
        return "aarch64" if self.kind == "jetson" or self.name.startswith(bound) else ""


@cache
def gpus() -> tuple[Gpu, ...]:
    """Every known GPU."""
    return tuple(_gpu(name, row) for name, row in table("gpus")["gpus"].items())


def _gpu(name: str, row: dict[str, Any]) -> Gpu:
    capability = int(row["capability"].replace(".", ""))
    return Gpu(name, capability, row["class"], row.get("memory_gb"), row.get("reported_mib"))


@cache
def gpu(text: str) -> Gpu | None:
    """The GPU that a name means: `t4`, `NVIDIA A100-SXM4-40GB`, `a100`, `g5.xlarge`, `nvidia-tesla-t4`, `sm_86`.

    A family whose members differ only in memory (`a100`) gives its first member. None when the name means nothing or
    GPUs of several capabilities.
    """
    found = gpus_named(text)
    if len({item.capability for item in found}) == 1:
        return found[0]
    capability = _CAPABILITY.match(text.strip().lower())
    if not found and capability:
        return Gpu(text, int(capability[1] + capability[2]), "unknown")
    return None


def gpus_named(text: str) -> tuple[Gpu, ...]:
    """All GPUs that a name may mean."""
    cloud = _cloud(text.strip())
    words = _words(cloud or text)
    if not words:
        return ()
    names = [(item, _words(name)) for item in gpus() for name in (item.name, *_aliases(item.name))]
    joined = "".join(words)
    exact = tuple(item for item, other in names if "".join(other) == joined)
    if exact:
        return exact
    named = (item for item, other in names if _means(words, other) and (_has_digit(words) or item.kind == "jetson"))
    return tuple(dict.fromkeys(named))


def _means(words: list[str], other: list[str]) -> bool:
    """Whether a name is short for another: a run of its words (`6000`, `rtx 6000`), or its end without spaces."""
    count = len(words)
    if any(other[start : start + count] == words for start in range(len(other) - count + 1)):
        return True
    joined, whole = "".join(words), "".join(other)
    head = whole.removesuffix(joined)
    return head != whole and not head[-1:].isdigit() and joined[0].isdigit()


def _has_digit(words: list[str]) -> bool:
    return any(letter.isdigit() for word in words for letter in word)


def _words(text: str) -> list[str]:
    """`NVIDIA RTX 6000 Ada Generation` → `rtx`, `6000`, `ada`."""
    lower = re.sub(r"\(.*?\)", " ", text.lower())
    return re.findall(r"[a-z0-9]+", _NOISE.sub(" ", lower.replace("_", " ").replace("-", " ")))


def _aliases(name: str) -> list[str]:
    found: list[str] = table("gpus")["gpus"][name].get("aliases", [])
    return found


def _cloud(text: str) -> str:
    """The GPU of a cloud machine: AWS types, GCP accelerators, Azure sizes; `""` for none."""
    data = table("gpus")
    if text.lower() in data["aws"]:
        return str(data["aws"][text.lower()][0])
    if text.lower() in data["gcp"]:
        name, memory_gb = data["gcp"][text.lower()]
        sized = f"{name}-{memory_gb}GB"
        return sized if sized in data["gpus"] else str(name)
    for pattern, name, _ in data["azure"]:
        if re.search(rf"^(?:Standard_)?{pattern}$", text, re.IGNORECASE):
            return str(name).split(" (", maxsplit=1)[0]
    return ""


def gpu_names() -> list[str]:
    """Names to suggest for one that means nothing."""
    return [name.lower().replace(" ", "-") for name in table("gpus")["gpus"]]


# --------------------------------------------------------------------------- code in a build


class Code(NamedTuple):
    """The GPU code of a build: `sm` are capabilities times ten; `ptx` may be compiled for newer ones on the spot.

    `doubtful`: capabilities, PTX among them, of which the sources are not sure.
    """

    sm: tuple[int, ...]
    ptx: int | None = None
    doubtful: tuple[int, ...] = ()

    def __str__(self) -> str:
        return " ".join(f"sm_{code}" for code in self.sm)


@cache
def code_of(text: str, variant: str, machine: str = "x86_64") -> Code | None:
    """The GPU code of a release's build; None when it is not known."""
    found = release(text)
    cuda = cuda_of(variant)
    if found is None or not cuda:
        return None
    row = _row(minor(text), cuda)
    if machine == "aarch64":
        return _code(row, "aarch64") if row else None
    measured = table("compat")["releases"][found.version].get("sm") if cuda == found.cuda else None
    known = _code(row, "sm") if row else None
    if measured:
        ptx = (known.ptx, known.doubtful) if known else (None, ())
        return Code(tuple(measured), *ptx)
    return known


def _row(text: str, cuda: str) -> dict[str, Any] | None:
    rows: list[dict[str, Any]] = table("compat")["archs"]
    for row in rows:
        if row["cuda"] == cuda and key(row["from"]) <= key(text) <= key(row["to"]):
            return row
    return None


def _code(row: dict[str, Any], column: str) -> Code | None:
    if not row.get(column):
        return None
    doubtful = [*row.get("unsure", ()), *([row["unsure_ptx"]] if "unsure_ptx" in row else ())]
    return Code(tuple(row[column]), row.get("ptx"), tuple(doubtful))


def runs(code: Code, capability: int, cuda: str) -> bool | None:
    """Whether a build has code for a device. None: not known (only PTX could do it, or a source is in doubt)."""
    if capability in OWN_CODE_ONLY and not _freed(capability, cuda):
        return capability in code.sm
    # sm_101 was renamed sm_110 (torch/cuda/__init__.py of 2.15.0).
    wanted = 110 if capability == 101 else capability
    if any(wanted // 10 == item // 10 and wanted >= item for item in code.sm):
        return True
    doubtful = any(wanted >= item for item in code.doubtful)
    return None if doubtful or (code.ptx is not None and wanted >= code.ptx) else False


def _freed(capability: int, cuda: str) -> bool:
    return capability in OWN_CODE_UNTIL and key(cuda) >= key(OWN_CODE_UNTIL[capability])


# --------------------------------------------------------------------------- drivers


class Driver(NamedTuple):
    """What a CUDA build asks of the driver. `floor` starts it, `own` is the one that its toolkit came with."""

    floor: str
    own: str


@cache
def driver_for(cuda: str, system: str = "linux") -> Driver | None:
    """The drivers for a CUDA version; None when not known. From CUDA 11 on the major decides, before the minor."""
    data = table("compat")["drivers"]
    own = data["toolkits"].get(cuda, {}).get(system, "")
    major = cuda.split(".", maxsplit=1)[0]
    if int(major) >= 11:
        floor = data["floors"].get(major, {}).get(system, "")
        return Driver(floor, own) if floor else None
    return Driver(own, own) if own else None


def parse_driver(text: str) -> tuple[int, ...] | None:
    """`535.104.05`, `R535`, `535` → numbers; None when it is no driver version."""
    found = re.match(r"r?(\d{3})((?:\.\d+){0,2})$", text.strip().lower())
    if found is None:
        return None
    return tuple(int(part) for part in (found[1] + found[2]).split("."))


def meets(driver: str, floor: str) -> bool | None:
    """Whether a driver is at least the floor; a bare branch (`535`) counts as its newest. None: not a version."""
    have, want = parse_driver(driver), parse_driver(floor)
    if have is None or want is None:
        return None
    return have >= want[: len(have)]


def driver_cuda(driver: str, system: str = "linux") -> str:
    """The newest CUDA that came with drivers up to this one: what nvidia-smi shows. `""` when it is older than all."""
    fits = [
        cuda
        for cuda, row in table("compat")["drivers"]["toolkits"].items()
        if row.get(system) and meets(driver, row[system])
    ]
    return max(fits, key=key, default="")


# --------------------------------------------------------------------------- the verdict


class Verdict(NamedTuple):
    """How a build does on a GPU with a driver.

    kind: `runs`, `runs by minor-version compatibility`, `no code for this GPU`, `driver too old`, `no such build`,
    `unknown`, or `cpu build`. `reason` says why in a clause.
    """

    kind: str
    reason: str = ""

    @property
    def works(self) -> bool | None:
        """None when it is not known."""
        return None if self.kind == "unknown" else self.kind.startswith("runs")


def verdict(found: Release, variant: str, where: Platform, card: Gpu | None = None, driver: str = "") -> Verdict:
    """Whether a build of a release runs on a GPU under a driver, each as far as it is given."""
    if variant == "cpu":
        return Verdict("cpu build", "the CPU build does not see a GPU")
    cuda = cuda_of(variant)
    if not cuda:
        return Verdict("unknown", f"the build {variant or 'is not known'}")
    if has_variant(found.version, variant) is False:
        return Verdict("no such build", f"torch {found.version} has no {variant} build")
    if card is not None:
        code = code_of(found.version, variant, where.machine)
        if code is None:
            return Verdict("unknown", f"the GPU code of torch {found.version}+{variant} is not known")
        fits = runs(code, card.capability, cuda)
        if fits is False:
            return Verdict("no code for this GPU", f"it has {code}, {card.name} needs {card.sm}")
        if fits is None:
            return Verdict("unknown", f"{card.name} ({card.sm}) is newer than the code of the build, {code}")
    return _under_driver(cuda, where.system, driver) if driver else Verdict("runs")


def _under_driver(cuda: str, system: str, driver: str) -> Verdict:
    wanted = driver_for(cuda, system)
    if wanted is None:
        return Verdict("unknown", f"the driver that CUDA {cuda} needs on {system} is not known")
    if meets(driver, wanted.floor) is None:
        return Verdict("unknown", f"`{driver}` is no driver version")
    if not meets(driver, wanted.floor):
        return Verdict("driver too old", f"CUDA {cuda} needs {wanted.floor} or newer")
    if wanted.own and not meets(driver, wanted.own):
        return Verdict("runs by minor-version compatibility", f"CUDA {cuda} came with driver {wanted.own}")
    return Verdict("runs")


def names(cards: Iterable[Gpu]) -> str:
    """`T4 and V100-16GB`."""
    return " and ".join(dict.fromkeys(card.name for card in cards))

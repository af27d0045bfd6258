"""The GPUs whose memory is the budget: by the names that people type, and the common ones to choose from."""

import re

from modeldoctor.errors import UsageError
from modeldoctor.facts.memory import Card
from modeldoctor.predict.compat_gpu import Gpu, gpu_names, gpus_named
from modeldoctor.tables import table

MIB = 1 << 20
# GPUs that people rent or have, by memory: what a report without `--gpu` lists.
COMMON = ("T4", "V100-16GB", "RTX 3090", "RTX 4090", "L4", "A10G", "RTX 5090", "A100-40GB", "L40S", "A100-80GB",
          "H100-80GB", "H200", "B200")  # fmt: skip
# No host holds more: NVIDIA sells systems of 72 GPUs.
MAX_CARDS = 1024
# What the driver reports of the nominal memory where no figure is known, by the rows that have both (facts/gpus.yaml).
_REPORTED = {"geforce": 0.985, "datacenter": 0.94, "workstation": 0.985}

_FOREIGN = (
    (r"\b(mi\d{2,3}[axx]?|instinct|radeon|rx ?\d{4}|gfx\d+|rocm|amd)\b",
     "ROCm GPUs are not modelled: their context and allocator differ"),
    (r"(^|[ -])\d+g\.\d+gb\b|\bmig\b", "MIG slices are not modelled: give the slice's memory with `--gpu-memory`"),
    (r"^(apple )?m\d( (pro|max|ultra))?$|\bmps\b|\bapple\b",
     "Apple GPUs share the host's memory, which is not modelled"),
    (r"\b(tpu|v\de|v\dp|gaudi|hpu|arc|xpu|inferentia|inf\d|trn\d|npu|ascend)\b", "only CUDA GPUs are modelled"),
    (r"^g6f\.|^gr6f\.|^nv\d+ads_a10", "it has a part of a GPU, which is not modelled: give `--gpu-memory`"),
)  # fmt: skip


def cards(names: tuple[str, ...], memory_bytes: int | None, number: int | None) -> tuple[Card, ...] | None:
    """The GPUs that the options describe; None when they say nothing, UsageError for a name that means none."""
    if number is not None and not 1 <= number <= MAX_CARDS:
        raise UsageError(f"--gpus must be between 1 and {MAX_CARDS:,}, not {number:,}")
    found: list[Card] = []
    for name in names:
        if name.lower() == "none":
            return ()
        found += machine(name)
    if memory_bytes is not None:
        given = Card(
            f"a GPU of {memory_bytes / (1 << 30):.4g} GiB", memory_bytes, None, "--gpu-memory", from_driver=False
        )
        if found:
            found = [
                card._replace(budget_bytes=memory_bytes, why="", source="--gpu-memory", from_driver=False)
                for card in found
            ]
        else:
            found = [given]
    if number is not None:
        if len(set(found)) > 1:
            raise UsageError("--gpus is for several GPUs of one kind: name each one with `--gpu` instead")
        found = found[:1] * number
    if not found and number is not None:
        raise UsageError("--gpus says how many, not which: add `--gpu` or `--gpu-memory`")
    return tuple(found[:MAX_CARDS]) if found else None


def machine(text: str) -> list[Card]:
    """The GPUs of a machine or the one that is named: `t4`, `2xa100-80`, `p4d.24xlarge`, `a2-highgpu-4g`."""
    name = " ".join(text.split()).lower()
    reason = _foreign(name)
    if reason:
        return [Card(text, None, None, "--gpu", reason)]
    times = re.match(r"(\d{1,4}) ?x ?(.+)$", name)
    if times and times[2][0].isalpha():
        count = int(times[1])
        if not 1 <= count <= MAX_CARDS:
            raise UsageError(f"`{text}` names {count:,} GPUs; between 1 and {MAX_CARDS:,} can be judged")
        return machine(times[2]) * count
    cloud = _cloud(name)
    if cloud:
        gpu_name, count, memory_gb = cloud
        return [_one(gpu_name.lower(), memory_gb, text)] * count
    return [_one(name, None, text)]


def _foreign(name: str) -> str | None:
    return next((why for pattern, why in _FOREIGN if re.search(pattern, name.replace("_", " "))), None)


def _one(name: str, memory_gb: float | None, text: str) -> Card:
    """The GPU of that name; the smallest when a family has several memories and nothing says which."""
    # `a100-80`, `h100 80`: the memory without its unit.
    sized = re.sub(r"([ -])(\d{2,3})$", r"\1\2gb", name)
    found = list(dict.fromkeys(gpus_named(sized) or gpus_named(name)))
    if not found:
        from modeldoctor.wording import did_you_mean

        hint = did_you_mean(text, [*gpu_names(), *table("gpus")["aws"]])
        raise UsageError(f"no GPU or machine is known as `{text}`{hint or '; `--gpu-memory 16GiB` takes any'}")
    if memory_gb is not None:
        found = [gpu for gpu in found if gpu.memory_gb and abs(gpu.memory_gb - memory_gb) <= 0.1 * memory_gb] or found
        return card_of(found[0])
    exact = [gpu for gpu in found if _flat(gpu.name) in {_flat(name), _flat(sized)}]
    if exact or len(found) == 1:
        return card_of((exact or found)[0])
    if not all(_flat(gpu.name).startswith(_flat(name)) for gpu in found):
        raise UsageError(f"`{text}` may mean {' or '.join(f'`{gpu.name}`' for gpu in found[:4])}")
    card = card_of(min(found, key=lambda gpu: gpu.memory_gb or 0))
    return card._replace(source=f"{card.source}; `{text}` is sold with {_listed(found)} GB, the smallest is judged")


def _flat(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def card_of(gpu: Gpu) -> Card:
    """The budget of a GPU: what the driver reports, where that is known."""
    if gpu.reported_mib is not None:
        return Card(gpu.name, gpu.reported_mib * MIB, gpu.capability, "reported by the driver")
    if gpu.memory_gb is None:
        shared = gpu.kind in {"jetson", "edge"}
        why = "its memory is shared with the host, which is not modelled" if shared else "its memory is not known"
        return Card(gpu.name, None, gpu.capability, "--gpu", why)
    share = _REPORTED.get(gpu.kind, 0.94)
    budget = int(gpu.memory_gb * 1024 * share) * MIB
    return Card(gpu.name, budget, gpu.capability, f"{share:.1%} of the nominal {gpu.memory_gb:g} GB, an estimate")


def _listed(found: list[Gpu]) -> str:
    return " or ".join(f"{memory:g}" for memory in sorted({gpu.memory_gb for gpu in found if gpu.memory_gb}))


def _cloud(name: str) -> tuple[str, int, float | None] | None:
    """The GPU of a cloud machine, how many it has, and their memory in GB where the family has several."""
    data = table("gpus")
    if name in data["aws"]:
        gpu_name, count, mib = data["aws"][name][:3]
        return str(gpu_name), int(count), mib / 1024
    google = re.match(r"(a2-highgpu|a2-ultragpu|a2-megagpu|a3-highgpu|a3-megagpu|a3-ultragpu|a4-highgpu)-(\d+)g$", name)
    if google:
        gpu_name, memory_gb = _GOOGLE[google[1]]
        return gpu_name, int(google[2]), memory_gb
    if name.startswith("g2-standard-"):  # cloud.google.com: as many L4 as the size says
        return "L4", {"24": 2, "48": 4, "96": 8}.get(name[12:], 1), None
    if name in data["gcp"]:
        gpu_name, memory_gb = data["gcp"][name]
        return str(gpu_name), 1, float(memory_gb)
    for pattern, gpu_name, memory_gb in data["azure"]:
        found = re.fullmatch(rf"(?:standard_)?{pattern}", name, re.IGNORECASE)
        if found:
            bare, _, times = str(gpu_name).partition(" (")
            return bare, int(times[:-1]) if times else _azure_count(bare, int(found[1])), float(memory_gb)
    return None


_GOOGLE = {
    "a2-highgpu": ("A100", 40.0), "a2-megagpu": ("A100", 40.0), "a2-ultragpu": ("A100", 80.0),
    "a3-highgpu": ("H100", 80.0),
    "a3-megagpu": ("H100", 80.0), "a3-ultragpu": ("H200", 141.0), "a4-highgpu": ("B200", 180.0),
}  # fmt: skip
# Cores per GPU of Azure's sizes: NC24ads_A100_v4 has one GPU, NC48 two, NC96 four; NC64as_T4_v3 has four.
_AZURE_CORES = {"T4": 16, "A10": 36, "V100": 6, "A100": 24, "H100 NVL": 40}


def _azure_count(gpu_name: str, cores: int) -> int:
    return max(1, cores // _AZURE_CORES.get(gpu_name, cores or 1))


def common() -> tuple[Card, ...]:
    """The common GPUs, the smallest first."""
    from modeldoctor.predict.compat_gpu import gpus

    known = {gpu.name: gpu for gpu in gpus()}
    found = [card_of(known[name]) for name in COMMON if name in known]
    return tuple(sorted(found, key=lambda card: card.budget_bytes or 0))

"""What a way of loading takes on the host and on the GPU while it runs, and afterwards: a ledger of its steps.

Each step of `facts.memory.Load` allocates and frees what the code does: building the module, reading the file, copying
or assigning, casting, moving. The ledger gives the multiples that were measured with torch 2.13.0 (docs/memory.md).
"""

from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.memory import Load

# The ways that have a name, for `--load`. The keys are what the code does, in as few words as will do.
STYLES = {
    load.name: load
    for load in (
        Load("state-dict"),
        Load("state-dict-kept", kept=True),
        Load("mmap", file="mapped"),
        Load("assign", assign=True),
        Load("meta", module="meta", assign=True),
        Load("meta-mmap", module="meta", file="mapped", assign=True),
        Load("bytesio", buffered=True),
        Load("whole", module="none"),
        Load("whole-mmap", module="none", file="mapped"),
        Load("whole-bytesio", module="none", buffered=True),
        Load("half-after", cast="module"),
        Load("half-dict", module="none", cast="dict"),
        Load("safetensors", file="mapped"),
        Load("safetensors-file", module="none", file="mapped"),
        Load("from-pretrained", module="meta", file="mapped"),
        Load("jit", module="none"),
        Load("export", module="none"),
        Load("gpu", early=True, file="device"),
        Load("gpu-late", early=True),
        Load("gpu-whole", module="none", file="device"),
        Load("gpu-meta", module="meta", file="device", assign=True),
    )
}

# What each way stands for in code.
CODE = {
    "state-dict": "model = Net(); model.load_state_dict(torch.load(path))",
    "state-dict-kept": "the same, and the loaded dict stays in a variable",
    "mmap": "model = Net(); model.load_state_dict(torch.load(path, mmap=True))",
    "assign": "model = Net(); model.load_state_dict(torch.load(path), assign=True)",
    "meta": "with torch.device('meta'): model = Net(); then load_state_dict(torch.load(path), assign=True)",
    "meta-mmap": "the same with torch.load(path, mmap=True)",
    "bytesio": "model = Net(); model.load_state_dict(torch.load(io.BytesIO(data)))",
    "whole": "model = torch.load(path)",
    "whole-mmap": "model = torch.load(path, mmap=True)",
    "whole-bytesio": "model = torch.load(io.BytesIO(data))",
    "half-after": "model = Net(); model.load_state_dict(torch.load(path)); model.half()",
    "half-dict": "{name: value.half() for name, value in torch.load(path).items()}",
    "safetensors": "model = Net(); load_model(model, path)",
    "safetensors-file": "tensors = load_file(path)",
    "from-pretrained": "AutoModel.from_pretrained(path)",
    "jit": "model = torch.jit.load(path)",
    "export": "model = torch.export.load(path)",
    "gpu": "model = Net().to('cuda'); model.load_state_dict(torch.load(path, map_location='cuda'))",
    "gpu-late": "model = Net().to('cuda'); model.load_state_dict(torch.load(path, map_location='cpu'))",
    "gpu-whole": "model = torch.load(path, map_location='cuda')",
    "gpu-meta": "a meta module, load_state_dict(torch.load(path, map_location='cuda'), assign=True)",
}

# What `torch.export.load` imports on first use stays in memory; measured, torch 2.13.0: 1.17 S - 1.00 S of 377 MB.
EXPORT_IMPORTS = 64_000_000


class Amounts(NamedTuple):
    """Bytes that the steps deal with.

    `stored`: all storages of the file. `served`: those of the model among them. `file`: the file as it lies on disk.
    `fresh`: the module as it is built. `final`: the module as it serves. `largest`: the largest storage.
    """

    stored: int
    served: int
    file: int
    fresh: int
    final: int
    largest: int


class Peaks(NamedTuple):
    """What one process takes. `host` counts private memory, `mapped` pages of the file that were read."""

    host: int
    host_steady: int
    mapped: int
    device: int
    device_steady: int


class _Ledger:
    """The running totals and their peaks."""

    def __init__(self) -> None:
        self.host = self.host_peak = 0
        self.device = self.device_peak = 0

    def add(self, host: int = 0, device: int = 0) -> None:
        self.host += host
        self.device += device
        self.host_peak = max(self.host_peak, self.host)
        self.device_peak = max(self.device_peak, self.device)

    def touch(self, host: int = 0, device: int = 0) -> None:
        """Something that lives for a moment."""
        self.host_peak = max(self.host_peak, self.host + host)
        self.device_peak = max(self.device_peak, self.device + device)


def peaks(load: Load, amounts: Amounts, *, gpu: bool) -> Peaks:
    """What one process takes that loads the model so, onto the GPU or to stay on the host."""
    ledger = _Ledger()
    _build(ledger, load, amounts, gpu=gpu)
    mapped = _read(ledger, load, amounts, gpu=gpu)
    held = _enter(ledger, load, amounts, gpu=gpu)
    _settle(ledger, load, amounts, held, gpu=gpu)
    at_once = load.at_once
    return Peaks(
        ledger.host_peak * at_once,
        ledger.host * at_once,
        mapped,
        ledger.device_peak * at_once,
        ledger.device * at_once,
    )


def _build(ledger: _Ledger, load: Load, amounts: Amounts, *, gpu: bool) -> None:
    """The module with its own values; moved to the GPU before the load when the code does so."""
    if load.module != "fresh":
        return
    ledger.add(host=amounts.fresh)
    if load.early and gpu:
        ledger.add(device=amounts.fresh)
        ledger.add(host=-amounts.fresh)


def _read(ledger: _Ledger, load: Load, amounts: Amounts, *, gpu: bool) -> int:
    """The file into private memory, mapped, or storage by storage to the GPU; the bytes of mapped pages."""
    if load.buffered:
        ledger.add(host=amounts.file)
    mapped = 0
    if load.file == "mapped":
        mapped = amounts.served  # pages of an optimizer are never read
    elif load.file == "device" and gpu:
        # torch/serialization.py: each storage is read to the host and restored on its device before the next one.
        ledger.touch(host=amounts.largest)
        ledger.add(device=amounts.stored)
    else:
        ledger.add(host=amounts.stored)
    if load.buffered:
        ledger.add(host=-amounts.file)
    return mapped


def _enter(ledger: _Ledger, load: Load, amounts: Amounts, *, gpu: bool) -> int:
    """From the loaded object into the model; the private host bytes that the model then holds."""
    on_device = load.file == "device" and gpu
    private = 0 if load.file == "mapped" or on_device else amounts.stored
    if load.cast == "dict":
        ledger.add(host=amounts.final)
        ledger.add(host=0 if load.kept else -private)
        return amounts.final
    if load.module == "none":
        return min(private, amounts.served) if not load.kept else private
    if load.assign:
        ledger.add(host=-amounts.fresh if load.module == "fresh" else 0)
        if not load.kept:
            # What of the file is no part of the model goes with the dict.
            surplus = amounts.stored - amounts.served
            ledger.add(host=-surplus if private else 0, device=-surplus if on_device else 0)
        return min(private, amounts.served)
    held = amounts.fresh
    if load.module == "meta":  # values are copied into new parameters one by one
        held = amounts.final
        ledger.add(host=held)
    elif load.early and gpu and not on_device:
        ledger.touch(device=amounts.largest)
        held = 0
    elif load.early and gpu:
        held = 0
    if not load.kept:
        ledger.add(host=-private, device=-amounts.stored if on_device else 0)
    return held


def _settle(ledger: _Ledger, load: Load, amounts: Amounts, held: int, *, gpu: bool) -> None:
    """The cast of the module, and its way to the GPU."""
    moved = load.early and load.module == "fresh"
    if load.cast == "module":
        before = ledger.device if gpu and moved else held
        ledger.touch(host=0 if gpu and moved else amounts.largest // 2, device=amounts.largest // 2 if moved else 0)
        change = amounts.final - before if before else 0
        ledger.add(host=0 if gpu and moved else change, device=change if gpu and moved else 0)
        held = 0 if gpu and moved else amounts.final
    if gpu and not moved and load.file != "device":
        ledger.add(device=amounts.final)
        ledger.add(host=-min(held, ledger.host))


def style_of(checkpoint: Checkpoint) -> Load:
    """How a file of this kind is usually loaded, when nobody says."""
    if checkpoint.format in {"model-folder", "sharded"} and (checkpoint.config or checkpoint.format == "model-folder"):
        return STYLES["from-pretrained"]
    if checkpoint.format == "torchscript" or checkpoint.anatomy.contents == "scripted":
        return STYLES["jit"]
    if checkpoint.format == "torch-export" or checkpoint.anatomy.contents == "exported":
        return STYLES["export"]
    if checkpoint.format == "safetensors":
        return STYLES["safetensors"]
    if checkpoint.anatomy.contents == "module" and not checkpoint.anatomy.weights_key:
        return STYLES["whole"]
    return STYLES["state-dict"]

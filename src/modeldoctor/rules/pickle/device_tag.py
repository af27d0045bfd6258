"""MDR223: storages that ask for the device they were saved from."""

from collections import Counter
from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.environment import Target
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import literal, size

_TORCH_FILES = frozenset({"torch-zip", "torch-legacy", "torch-tar", "torchscript"})
_NOWHERE = frozenset({"cpu", "meta", ""})
_NO_CUDA = (
    "RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. "
    "If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu')"
)


@rule(
    Checkpoint,
    code="MDR223",
    slug="device-tag",
    severity=Severity.WARNING,
    since="0.1",
    summary="tensors are tagged with a device that the loading machine must have",
)
def device_tag(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The tensors were saved from a GPU or another accelerator, and torch puts them back there unless told otherwise.

    ## What it finds
    Storages tagged `cuda:N`, `mps`, `xpu:0`, `hpu:0`, `npu:0`, `xla:0` or the like, with their bytes. What it means
    depends on the target:

    * no GPU there, or fewer than the tag counts (`cuda:3` on a host with one): an error
    * unknown: a warning, because the load works on the machine that trained and fails on the next
    * the device is there: an info; the weights go straight to that device, in every worker process

    safetensors files know no devices.

    ## Why it matters
    The tag is obeyed before your code sees the object, so `model.to("cpu")` afterwards is too late. On a host with
    several GPUs every worker loads to `cuda:0` first, whichever GPU it is meant to use, until that one is full.

    ## Seen as
    * `RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. …`
    * `RuntimeError: Attempting to deserialize object on CUDA device 3 but torch.cuda.device_count() is 1. …`
    * `RuntimeError: torch.UntypedStorage(): Storage device not recognized: mps` (torch 1.13 and later; before `don't
      know how to restore data location of torch.storage._UntypedStorage (tagged with mps)`)
    * `RuntimeError: The HPU device module is not registered.` (2.4 and later; 2.1 to 2.3: `AssertionError: HPU device
      module is not loaded`)
    * `RuntimeError: don't know how to restore data location of torch.storage.UntypedStorage (tagged with npu:0)`

    ## Fix
    Say where to load, always; or save from the CPU:

    ```python
    state = torch.load("model.pt", map_location="cpu")          # torch.jit.load takes it too
    torch.save({k: v.cpu() for k, v in model.state_dict().items()}, "model.pt")
    ```

    ## References
    * `torch/serialization.py`, `default_restore_location`, `_validate_device`
    """
    if context.part or checkpoint.format not in _TORCH_FILES or checkpoint.state != "understood":
        return
    tagged: Counter[str] = Counter()
    for storage in checkpoint.storages:
        if storage.device not in _NOWHERE:
            tagged[storage.device] += storage.size_bytes
    if not tagged:
        return
    judged = {device: _judge(device, context.target) for device in tagged}
    device = max(judged, key=lambda name: (judged[name][0], tagged[name]))
    severity, needs, error = judged[device]
    others = f" (and {len(tagged) - 1} more devices)" if len(tagged) > 1 else ""
    loader = "torch.jit.load" if checkpoint.format == "torchscript" else "torch.load"
    yield Hit(
        f"{size(sum(tagged.values()))} of tensors are tagged `{device[:40]}`{others}: {needs}",
        severity=severity,
        fix=f'{loader}({literal(checkpoint.path)}, map_location="cpu")',
        notes=(("seen as", error),) if error else (),
        key=device,
    )


def _judge(device: str, target: Target) -> tuple[Severity, str, str | None]:
    """How bad the tag is for the target, what it asks for, and the error that follows."""
    kind, _, number = device.partition(":")
    if kind == "cuda":
        return _judge_cuda(int(number) if number.isdecimal() and len(number) < 6 else 0, target)
    if kind == "mps":
        platform = target.platform.text.lower() if target.platform else ""
        error = "RuntimeError: torch.UntypedStorage(): Storage device not recognized: mps"
        if platform.startswith(("darwin", "macos")):
            return Severity.INFO, "they load on a Mac with Apple silicon only, unless map_location is given", None
        severity = Severity.ERROR if platform or target.gpus or target.cpu_only else Severity.WARNING
        return severity, "only a Mac has that device, so loading needs map_location", error
    severity = Severity.ERROR if target.gpus or target.cpu_only else Severity.WARNING
    error = f"RuntimeError: don't know how to restore data location … (tagged with {device[:40]})"
    return severity, "loading needs that device and its plug-in, or map_location", error


def _judge_cuda(index: int, target: Target) -> tuple[Severity, str, str | None]:
    if target.cpu_only:
        return Severity.ERROR, "the target has no GPU, so loading needs map_location", _NO_CUDA
    if target.gpus is None:
        return Severity.WARNING, "loading on a machine without it needs map_location", _NO_CUDA
    if index >= len(target.gpus):
        error = (
            f"RuntimeError: Attempting to deserialize object on CUDA device {index} but torch.cuda.device_count() is "
            f"{len(target.gpus)}. Please use torch.load with map_location to map your storages to an existing device."
        )
        return Severity.ERROR, f"the target has {len(target.gpus)} GPU, so loading needs map_location", error
    return Severity.INFO, "every process loads them to that GPU, unless map_location is given", None

"""Trace one forward pass on fake tensors, and print what it takes as one JSON object. Runs in the user's interpreter.

Standard library and torch only, no import of modeldoctor, nothing that Python 3.8 lacks. It gets its task as JSON on
standard input: `target` (`module:factory`), `inputs` (`1x3x224x224[:dtype]`, or `name=…`), `grad`, `memory_bytes`. It
executes the user's code.
"""

import importlib
import json
import os
import sys
import time
import weakref
from typing import Any, Dict, List, Tuple  # noqa: UP035 - for Python 3.8

BLOCK = 512  # c10/core/AllocatorConfig.h, kMinBlockSize
MARK = "modeldoctor-trace:"


def main() -> None:
    """Answer on standard output, which what the user's code prints must not reach."""
    task = json.loads(sys.stdin.read())
    limit_memory(task["memory_bytes"])
    out = os.dup(1)
    os.dup2(2, 1)
    sys.path.insert(0, os.getcwd())
    try:
        answer = trace(task)
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is the answer
        text = str(error).strip().split("\n")[0]
        answer = {"problem": f"{type(error).__name__}: {text}"[:500]}
    os.write(out, (MARK + json.dumps(answer) + "\n").encode())


def limit_memory(size: int) -> None:
    """Limit private memory; RLIMIT_AS would count the libraries that are only mapped."""
    try:
        import resource
    except ImportError:  # Windows: the time limit alone holds
        return
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def trace(task: Dict[str, Any]) -> Dict[str, Any]:  # noqa: UP006 - for Python 3.8
    """The figures of a forward pass, and what one more item of the batch adds."""
    torch: Any = importlib.import_module("torch")
    fake: Any = importlib.import_module("torch._subclasses.fake_tensor")
    started = time.perf_counter()
    module_name, _, attribute = task["target"].partition(":")
    factory: Any = importlib.import_module(module_name)
    for part in attribute.split("."):
        factory = getattr(factory, part)
    with fake.FakeTensorMode(allow_non_fake_inputs=True):
        model = factory if isinstance(factory, torch.nn.Module) else factory()
        if not isinstance(model, torch.nn.Module):
            raise TypeError(f"{task['target']} gave {type(model).__name__}, which is no torch.nn.Module")
        model.eval()
        weights = unique(model)
        first = measure(torch, model, task["inputs"])
        try:
            second = measure(torch, model, task["inputs"], times=2)
            slope = (second["peak"] - first["peak"]) // first["batch"]
        except Exception:  # noqa: BLE001 - a model may be made for one batch only
            slope = None
        grown = measure(torch, model, task["inputs"], grad=True)["peak"] if task["grad"] else None
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.RNNBase)]
    recurrent = sum(each.numel() * each.element_size() for layer in layers for each in layer.parameters())
    return {
        "batch": first["batch"], "peak_bytes": first["peak"], "slope_bytes": slope, "largest_bytes": first["largest"],
        "convolution_bytes": first["convolution"], "recurrent_bytes": recurrent, "grad_bytes": grown,
        "weights_bytes": sum(weights.values()), "weights_by_dtype": sorted(weights.items()),
        "torch": torch.__version__, "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip


def unique(model: Any) -> Dict[str, int]:  # noqa: UP006 - for Python 3.8
    """Bytes of parameters and buffers by dtype, each storage once."""
    sizes: Dict[str, int] = {}  # noqa: UP006
    seen = set()
    for tensor in [*model.parameters(), *model.buffers()]:
        storage = tensor.untyped_storage()
        if address(storage) not in seen:
            seen.add(address(storage))
            name = str(tensor.dtype).replace("torch.", "")
            sizes[name] = sizes.get(name, 0) + storage.nbytes()
    return sizes


def address(storage: Any) -> int:
    """What tells storages apart; they are new Python objects at each call."""
    return int(storage._cdata)  # noqa: SLF001 - there is no public name for it


def rounded(storage: Any) -> int:
    """The block that an allocator takes for it."""
    return -(-int(storage.nbytes()) // BLOCK) * BLOCK


class Live:
    """The storages that live, and the most bytes that they held at once. `known` are no activations."""

    def __init__(self, known: Any) -> None:
        self.now = self.peak = self.largest = self.convolution = 0
        self.seen = {address(tensor.untyped_storage()): 0 for tensor in known}

    def note(self, tensor: Any, operation: str) -> None:
        """A result of an operation."""
        storage = tensor.untyped_storage()
        if address(storage) in self.seen:
            return
        size = self.seen[address(storage)] = rounded(storage)
        self.now += size
        self.peak = max(self.peak, self.now)
        self.largest = max(self.largest, size)
        if "convolution" in operation:
            self.convolution = max(self.convolution, size)
        weakref.finalize(storage, self.drop, address(storage))

    def drop(self, key: int) -> None:
        """A storage has died."""
        self.now -= self.seen.pop(key, 0)


def measure(
    torch: Any,
    model: Any,
    specs: List[str],  # noqa: UP006 - for Python 3.8
    *,
    times: int = 1,
    grad: bool = False,
) -> Dict[str, int]:  # noqa: UP006
    """The most bytes that inputs and the storages made by the forward pass hold at once, and the batch."""
    modes: Any = importlib.import_module("torch.utils._python_dispatch")
    leaves: Any = importlib.import_module("torch.utils._pytree").tree_leaves
    args, kwargs, batch = inputs_of(torch, model, specs, times)
    inputs = [*args, *kwargs.values()]
    live = Live([*model.parameters(), *model.buffers(), *inputs])

    class Watch(modes.TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for tensor in leaves(result):
                if isinstance(tensor, torch.Tensor):
                    live.note(tensor, str(func))
            return result

    with (torch.enable_grad if grad else torch.no_grad)(), Watch():
        result = model(*args, **kwargs)
    del result
    held = sum(rounded(tensor.untyped_storage()) for tensor in inputs)
    return {"peak": live.peak + held, "largest": live.largest, "convolution": live.convolution, "batch": batch}


def inputs_of(torch: Any, model: Any, specs: List[str], times: int) -> Tuple[List[Any], Dict[str, Any], int]:  # noqa: UP006
    """Zeros of the shapes; those without a dtype get that of the parameters. The batch is the first size."""
    floating = next((each.dtype for each in model.parameters() if each.is_floating_point()), torch.float32)
    args: List[Any] = []  # noqa: UP006
    kwargs: Dict[str, Any] = {}  # noqa: UP006
    batch = 0
    for spec in specs:
        name, _, rest = spec.rpartition("=")
        shape_text, _, dtype = rest.partition(":")
        shape = [int(size) for size in shape_text.split("x")]
        batch = batch or shape[0]
        value = torch.zeros([shape[0] * times, *shape[1:]], dtype=getattr(torch, dtype) if dtype else floating)
        if name:
            kwargs[name] = value
        else:
            args.append(value)
    return args, kwargs, max(1, batch)


if __name__ == "__main__":
    main()

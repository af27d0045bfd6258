#!/usr/bin/env python3
"""Ground truth for the memory estimate on a CUDA machine: what a process takes, measured by torch and by the driver.

Usage: python benchmarks/gpu/measure.py --out result.json [--device cpu] [--quick] [--only context,load] [--cases FILE]

Needs Python 3.9 and torch only. Stages, each in a process of its own, so that one that fails leaves the others:

  context      memory of a process before any tensor, and how it grows with the first matmul, convolution, attention, LSTM
  rounding     what the caching allocator allocates and reserves for a request
  workspaces   cuBLAS by thread, cuDNN with `benchmark` off and on
  load         host and device peak of each way of loading
  activations  peak of the networks in architectures.py by batch, with and without gradients
  kv           a cache that grows by concatenation, beside its closed formula
  processes    1, 2 and 4 processes that serve the same model

Every number is bytes. The result is written after each stage. `--cases` writes what was measured in the form that
benchmarks/accuracy/memory.py reads. `--device cpu --quick` is the smoke test. To use constants of a machine, put them
into facts/memory.yaml with `status: measured`, the date and the machine class, and run scripts/build_memory_table.py.
"""

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

STAGES = ("context", "rounding", "workspaces", "load", "activations", "kv", "processes")
SECONDS = 120
MARK = "measured:"


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


def driver_used():
    """Bytes in use on the first visible GPU as the driver counts them, without a CUDA context; None without a driver."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        handle, memory = ctypes.c_void_p(), _Memory()
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip() or "0"
        if library.nvmlInit_v2() != 0:
            return None
        if visible.isdigit():
            failed = library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(int(visible)), ctypes.byref(handle))
        else:
            failed = library.nvmlDeviceGetHandleByUUID(visible.encode(), ctypes.byref(handle))
        if failed or library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)):
            return None
        return int(memory.used)
    except (OSError, AttributeError):
        return None


def host():
    """Private and file-backed bytes of this process; nothing where there is no /proc."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith(("RssAnon", "RssFile"))]
    except OSError:
        return {}
    return {name.rstrip(":"): int(size) * 1024 for name, size, _ in lines}


def device(kind):
    """What torch and the driver say of the GPU."""
    import torch

    if kind != "cuda":
        return {}
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    return {
        "allocated": torch.cuda.memory_allocated(), "reserved": torch.cuda.memory_reserved(),
        "max_allocated": torch.cuda.max_memory_allocated(), "max_reserved": torch.cuda.max_memory_reserved(),
        "used": total - free, "total": total, "driver_used": driver_used(),
    }  # fmt: skip


def fresh(kind):
    """Forget earlier peaks."""
    import torch

    gc.collect()
    if kind == "cuda":
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


# --------------------------------------------------------------------------- stages


def stage_context(kind, quick):
    import torch
    from torch.nn import functional as F  # noqa: N812

    before = driver_used()
    steps = []

    def mark(name):
        row = {"step": name, **host(), **device(kind)}
        if row.get("driver_used") is not None and before is not None:
            row["process"] = row["driver_used"] - before
        steps.append(row)

    mark("import torch")
    torch.empty(1, device=kind)
    mark("first tensor")
    side = 256 if quick else 2048
    square = torch.ones(side, side, device=kind)
    square @ square
    mark("matmul")
    F.conv2d(torch.ones(1, 3, 64, 64, device=kind), torch.ones(8, 3, 3, 3, device=kind))
    mark("convolution")
    F.scaled_dot_product_attention(*(torch.ones(1, 4, 64, 32, device=kind) for _ in range(3)))
    mark("attention")
    torch.nn.LSTM(32, 32).to(kind)(torch.ones(4, 1, 32, device=kind))
    mark("LSTM")
    return steps


def stage_rounding(kind, quick):
    import torch

    rows = []
    for size in (40, 4_000, 40_000, 1 << 20, (1 << 20) + 1, 8_519_680, 10 << 20, (10 << 20) + 1, 33_554_432):
        fresh(kind)
        held = torch.empty(size, dtype=torch.uint8, device=kind)
        rows.append({"request": size, **device(kind)})
        del held
    return rows[:3] if quick else rows


def stage_workspaces(kind, quick):
    import torch

    rows = []
    square = torch.ones(512, 512, device=kind)

    def multiply():
        square @ square

    for threads in (1, 2, 4):
        fresh(kind)
        workers = [threading.Thread(target=multiply) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rows.append({"what": f"matmul in {threads} threads", **device(kind)})
    image = torch.ones(1 if quick else 16, 64, 56, 56, device=kind)
    layer = torch.nn.Conv2d(64, 64, 3, padding=1).to(kind)
    for benchmark in (False, True):
        torch.backends.cudnn.benchmark = benchmark
        fresh(kind)
        with torch.no_grad():
            layer(image)
        rows.append({"what": f"convolution, benchmark {benchmark}", "output": image.nbytes, **device(kind)})
    return rows


def stage_load(kind, quick):
    import torch
    from architectures import MLP

    width = 512 if quick else 4096

    def make():
        return MLP(width)

    def meta():
        with torch.device("meta"):
            return make()

    model = make()
    size = sum(tensor.nbytes for tensor in model.state_dict().values())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/state.pt"
        torch.save(model.state_dict(), path)
        del model

        def load(**options):
            return torch.load(path, **options)

        def early(**options):
            module = make().to(kind)
            module.load_state_dict(load(**options))
            return module

        def assigned(**options):
            module = meta()
            module.load_state_dict(load(**options), assign=True)
            return module.to(kind)

        def plain():
            module = make()
            module.load_state_dict(load(map_location="cpu"))
            return module.to(kind)

        ways = {
            "state-dict": plain,
            "gpu-late": lambda: early(map_location="cpu"),
            "gpu": lambda: early(map_location=kind),
            "gpu-meta": lambda: assigned(map_location=kind),
            "meta-mmap": lambda: assigned(map_location="cpu", mmap=True),
        }
        for name, way in ways.items():
            fresh(kind)
            base = device(kind).get("allocated", 0)
            started = time.perf_counter()
            held = way()
            rows.append(
                {
                    "way": name,
                    "model": size,
                    "base": base,
                    "seconds": time.perf_counter() - started,
                    **host(),
                    **device(kind),
                }
            )
            del held
    return rows


def stage_activations(kind, quick):
    import torch
    from architectures import NETWORKS

    rows = []
    for name, (factory, spec, batches) in NETWORKS.items():
        model = factory().eval().to(kind)
        sizes, _, dtype = spec.partition(":")
        for batch in batches[:1] if quick else batches:
            shape = [batch, *(int(size) for size in sizes.split("x"))]
            value = torch.zeros(shape, dtype=getattr(torch, dtype or "float32"), device=kind)
            for grad in (False, True):
                fresh(kind)
                base = device(kind).get("allocated", 0)
                with torch.enable_grad() if grad else torch.no_grad():
                    result = model(value)
                row = {
                    "network": name,
                    "factory": factory.__name__,
                    "spec": spec,
                    "batch": batch,
                    "grad": grad,
                    "base": base,
                }
                rows.append({**row, **device(kind)})
                del result
        del model
    return rows


def stage_kv(kind, quick):
    import torch

    rows = []
    layers, heads, dim = 4, 8, 64
    for batch, tokens in ((1, 64),) if quick else ((1, 2048), (8, 2048), (8, 8192)):
        fresh(kind)
        base = device(kind).get("allocated", 0)
        shape = (batch, heads, tokens - 1, dim)
        cache = [[torch.zeros(shape, device=kind), torch.zeros(shape, device=kind)] for _ in range(layers)]
        new = torch.zeros(batch, heads, 1, dim, device=kind)
        for pair in cache:
            pair[:] = [torch.cat([each, new], 2) for each in pair]
        formula = 2 * layers * heads * dim * tokens * batch * 4
        held = sum(each.nbytes for pair in cache for each in pair)
        rows.append({"batch": batch, "tokens": tokens, "formula": formula, "held": held, "base": base, **device(kind)})
        del cache
    return rows


def stage_worker(kind, quick):
    """A process that serves one model, and waits to be told to end."""
    import torch
    from architectures import MLP, ResNet50

    model = (MLP() if quick else ResNet50()).eval().to(kind)
    value = torch.zeros((1, 1024) if quick else (1, 3, 224, 224), device=kind)
    with torch.no_grad():
        model(value)
    sys.stdout.write(MARK + json.dumps({**host(), **device(kind)}) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()


def stage_processes(kind, quick):
    rows = []
    command = [sys.executable, __file__, "--stage", "worker", "--device", kind, *(["--quick"] if quick else [])]
    for number in (1, 2) if quick else (1, 2, 4):
        before = driver_used()
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)
        ]
        each = [json.loads(worker.stdout.readline()[len(MARK) :]) for worker in workers]
        during = driver_used()
        for worker in workers:
            worker.communicate("end\n")
        together = None if None in (before, during) else during - before
        rows.append({"processes": number, "together": together, "each": each})
    return rows


# --------------------------------------------------------------------------- all of it


def about(kind):
    """The machine, as far as it decides the figures."""
    import torch

    found = {
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "device": kind,
        "date": time.strftime("%Y-%m-%d"),
    }
    if kind == "cuda":
        card = torch.cuda.get_device_properties(0)
        found |= {"name": card.name, "capability": [card.major, card.minor], "total": card.total_memory}
    return found


def cases(document):
    """What was measured, as cases of benchmarks/accuracy/memory.py (JSON is YAML)."""
    source = (
        f"measured, {document['about'].get('name')}, torch {document['about']['torch']}, {document['about']['date']}"
    )
    found = [
        {
            "name": f"{row['network']} x {row['batch']}", "source": source, "measures": "activations", "unit": "B",
            "trace": f"architectures:{row['factory']}", "input": [f"{row['batch']}x{row['spec']}"], "config": {},
            "serving": {"gpu": "h200"}, "measured": row["max_allocated"] - row["base"],
        }
        for row in document["stages"].get("activations", [])
        if isinstance(row, dict) and "max_allocated" in row and not row["grad"]
    ]  # fmt: skip
    return {"cases": found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="gpu_memory.json")
    parser.add_argument("--cases")
    parser.add_argument("--device", choices=["auto", "cuda", "cpu"], default="auto")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        result = globals()[f"stage_{options.stage}"](options.device, options.quick)
        sys.stdout.write(MARK + json.dumps(result) + "\n")
        return
    import torch

    kind = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    document = {"about": about(kind), "stages": {}}
    for stage in options.only.split(",") if options.only else STAGES:
        command = [
            sys.executable,
            __file__,
            "--stage",
            stage,
            "--device",
            kind,
            *(["--quick"] if options.quick else []),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            answer = next((line for line in done.stdout.splitlines() if line.startswith(MARK)), None)
            found = json.loads(answer[len(MARK) :]) if answer else {"error": done.stderr[-800:]}
        except subprocess.TimeoutExpired:
            found = {"error": f"took more than {SECONDS} s"}
        document["stages"][stage] = found
        Path(options.out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        print(f"{stage}: {'failed' if isinstance(found, dict) else f'{len(found)} rows'}")
    if options.cases:
        Path(options.cases).write_text(json.dumps(cases(document), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Host memory of the ways of loading, measured: each in a process of its own, its private memory read from outside.

Usage: python benchmarks/accuracy/load_styles.py [--mib 360] [--only TEXT]

Writes a model of that size in every form to a temporary folder, loads it in each way that `modeldoctor fit --load`
knows and this machine can run (no GPU), and prints the private peak and what stays (RssAnon in /proc/PID/status, above
what the process had after `import torch`), in bytes and as multiples of the model, next to the prediction. Linux only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# How each way reads in code; `Net` is the model, `path` the file. The last expression is kept until the end.
CODE = {
    "state-dict": ("state.pt", "m = Net(); m.load_state_dict(torch.load(path)); keep = m"),
    "state-dict-kept": ("state.pt", "d = torch.load(path); m = Net(); m.load_state_dict(d); keep = (m, d)"),
    "mmap": ("state.pt", "m = Net(); m.load_state_dict(torch.load(path, mmap=True)); keep = m"),
    "assign": ("state.pt", "m = Net(); m.load_state_dict(torch.load(path), assign=True); keep = m"),
    "meta": ("state.pt", "m = meta(); m.load_state_dict(torch.load(path), assign=True); keep = m"),
    "meta-mmap": ("state.pt", "m = meta(); m.load_state_dict(torch.load(path, mmap=True), assign=True); keep = m; use(m)"),
    "bytesio": ("state.pt", "m = Net(); m.load_state_dict(torch.load(io.BytesIO(open(path, 'rb').read()))); keep = m"),
    "whole": ("whole.pt", "keep = torch.load(path, weights_only=False)"),
    "whole-mmap": ("whole.pt", "keep = torch.load(path, weights_only=False, mmap=True); use(keep)"),
    "whole-bytesio": ("whole.pt", "keep = torch.load(io.BytesIO(open(path, 'rb').read()), weights_only=False)"),
    "half-after": ("state.pt", "m = Net(); m.load_state_dict(torch.load(path)); keep = m.half()"),
    "half-dict": ("state.pt", "keep = {k: v.half() for k, v in torch.load(path).items()}"),
    "safetensors": ("model.safetensors", "from safetensors.torch import load_model; m = Net(); load_model(m, path); keep = m"),
    "safetensors-file": ("model.safetensors", "from safetensors.torch import load_file; keep = load_file(path); touch(keep)"),
    "jit": ("script.pt", "keep = torch.jit.load(path)"),
    "state-dict of Adam": ("adam.pt", "m = Net(); m.load_state_dict(torch.load(path)['model']); keep = m"),
    "mmap of Adam": ("adam.pt", "m = Net(); m.load_state_dict(torch.load(path, mmap=True)['model']); keep = m"),
    "state-dict of half": ("half.pt", "m = Net(); m.load_state_dict(torch.load(path)); keep = m"),
    "state-dict, two threads": ("state.pt", "keep = threads(path)"),
    "state-dict, legacy file": ("legacy.pt", "m = Net(); m.load_state_dict(torch.load(path)); keep = m"),
}  # fmt: skip

CHILD = """
import gc, io, sys, threading, warnings
warnings.simplefilter("ignore")
import torch
SIZE, LAYERS = {size}, {layers}
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(
            torch.nn.utils.skip_init(torch.nn.Linear, SIZE, SIZE, bias=False) for _ in range(LAYERS))
        for layer in self.layers:
            torch.nn.init.zeros_(layer.weight)
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x
sys.modules["__main__"].Net = Net
def meta():
    with torch.device("meta"):
        m = torch.nn.Module.__new__(Net); torch.nn.Module.__init__(m)
        m.layers = torch.nn.ModuleList(torch.nn.Linear(SIZE, SIZE, bias=False) for _ in range(LAYERS))
        return m
def use(m):
    with torch.no_grad():
        m(torch.ones(1, SIZE))
def touch(d):
    for v in d.values():
        v.flatten()[::1024].sum()
def threads(path):
    made, gate = [], threading.Barrier(2)
    def one():
        m = Net(); gate.wait(); d = torch.load(path); gate.wait(); m.load_state_dict(d); made.append(m)
    both = [threading.Thread(target=one) for _ in range(2)]
    [t.start() for t in both]; [t.join() for t in both]
    return made
"""

WRITE = """
import pickle
from safetensors.torch import save_model
m = Net(); folder = path
for layer in m.layers:
    torch.nn.init.normal_(layer.weight)
torch.save(m.state_dict(), folder + "/state.pt")
torch.save(m.state_dict(), folder + "/legacy.pt", _use_new_zipfile_serialization=False)
torch.save({k: v.half() for k, v in m.state_dict().items()}, folder + "/half.pt")
torch.save(m, folder + "/whole.pt")
save_model(m, folder + "/model.safetensors")
torch.jit.trace(m, torch.ones(1, SIZE)).save(folder + "/script.pt")
torch.save({"model": m.state_dict(), "optimizer": {"exp_avg": {k: v.clone() for k, v in m.state_dict().items()},
           "exp_avg_sq": {k: v.clone() for k, v in m.state_dict().items()}}}, folder + "/adam.pt")
"""

SIZE = 2048


def child(code: str, path: str, layers: int) -> subprocess.Popen[str]:
    text = CHILD.format(size=SIZE, layers=layers) + f"\npath = {path!r}\n" + code
    return subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def write_models(folder: str, layers: int) -> None:
    process = child(WRITE, folder, layers)
    assert process.wait() == 0


def private(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("RssAnon"):
                return int(line.split()[1]) * 1024
    return 0


def measure(path: str, code: str, layers: int) -> dict[str, int]:
    """Private bytes above the process after its imports: the most, and what stays."""
    # What torch imports when a first module is built is no matter of the model: 35 MB.
    wait = "import safetensors.torch\ntorch.nn.utils.skip_init(torch.nn.Linear, 8, 8); meta(); gc.collect(); print('ready', flush=True); sys.stdin.readline()\n"
    wait += f"{code}\ngc.collect(); print('done', flush=True); sys.stdin.readline()\n"
    process = child(wait, path, layers)
    assert process.stdout
    assert process.stdin
    assert process.stdout.readline() == "ready\n"
    base = private(process.pid)
    started = time.perf_counter()
    process.stdin.write("go\n")
    process.stdin.flush()
    peak = base
    os.set_blocking(process.stdout.fileno(), False)
    while not (line := process.stdout.readline()):
        peak = max(peak, private(process.pid))
        if process.poll() is not None:
            raise SystemExit(f"{code} ended with {process.returncode}")
        time.sleep(0.0005)
    assert line == "done\n", line
    seconds = time.perf_counter() - started
    steady = private(process.pid)
    process.stdin.write("end\n")
    process.stdin.close()
    process.wait()
    process.stdout.close()
    return {"peak": peak - base, "steady": steady - base, "milliseconds": round(seconds * 1000)}


def predicted(name: str, path: str) -> tuple[int, int]:
    """What the estimate says of the host, without Python itself: the peak and what stays."""
    from modeldoctor.facts.memory import HELD, WHILE_LOADING, Serving
    from modeldoctor.predict.memory.estimate import estimate
    from modeldoctor.predict.memory.loading import STYLES
    from modeldoctor.readers.model_sizes import read_model

    load = STYLES[name.partition(" ")[0].rstrip(",")]
    options: dict[str, Any] = {"load": load, "gpus": ()}
    if "half" in load.name:
        options["dtype"] = "float16"
    if "of half" in name:
        options["dtype"] = "float32"
    if "threads" in name:
        options["copies"] = 2
    found = estimate(read_model(path, path), Serving(**options))
    held = sum(term.likely or 0 for term in found.host.each if term.term == HELD)
    return held + sum(term.high or 0 for term in found.host.each if term.term == WHILE_LOADING), held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=360, help="size of the model (200 to 800)")
    parser.add_argument("--only", default="", help="ways whose name contains this text")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    rows = run(options.mib, options.only)
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    report(rows)
    return 0


def run(mib: int, only: str = "") -> list[dict[str, Any]]:
    layers = max(1, round(mib * (1 << 20) / (SIZE * SIZE * 4)))
    whole = layers * SIZE * SIZE * 4
    rows = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        write_models(folder, layers)
        for name, (file, code) in CODE.items():
            if only in name:
                path = str(Path(folder) / file)
                rows.append(
                    {"name": name, "model": whole, "predicted": predicted(name, path), **measure(path, code, layers)}
                )
    return rows


def report(rows: list[dict[str, Any]]) -> float:
    """Print a table; the largest error of a peak, as a part of the model."""
    worst = 0.0
    print(
        f"{'way of loading':26} {'peak':>8} {'said':>6} {'error':>7}   {'stays':>8} {'said':>6} {'error':>7}   of the model"
    )
    for row in rows:
        whole = row["model"]
        errors = [(said - row[key]) / whole for said, key in zip(row["predicted"], ("peak", "steady"), strict=True)]
        worst = max(worst, *map(abs, errors))
        print(
            f"{row['name']:26} {row['peak'] / whole:8.3f} {row['predicted'][0] / whole:6.2f} {errors[0]:+7.1%}   "
            f"{row['steady'] / whole:8.3f} {row['predicted'][1] / whole:6.2f} {errors[1]:+7.1%}"
        )
    print(f"model of {rows[0]['model'] / 1e6:.1f} MB; largest error {worst:.1%} of it")
    return worst


if __name__ == "__main__":
    sys.exit(main())

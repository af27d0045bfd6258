#!/usr/bin/env python3
"""Speed and memory of `modeldoctor check` beside its peers and the lower bounds, as ratios in one run.

Usage: python benchmarks/speed.py --inputs DIR [--modeldoctor CMD] [--peer NAME=COMMAND ...] [--repeat 3]

DIR is made by `benchmarks/make_inputs.py`. A peer is installed in an environment of its own, without torch
(`python -m venv p && p/bin/pip install picklescan`), and named with its command: `--peer "picklescan=p/bin/picklescan -p"`;
the input is appended. The machine is never quiet, so the figure is CPU seconds (user + system, median of the repeats) of
the whole process, and what counts is the ratio to picklescan in the same run. Peak RSS comes from `wait4`.
"""

import argparse
import os
import shlex
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

INPUTS = [
    "scripted.pt",
    "full_model.pt",
    "sd_25m.pt",
    "sd_25m_legacy.pt",
    "adam_ckpt.pt",
    "many_20k.pt",
    "sd_350m_fp16.pt",
    "zeros_2g.pt",
    "sd_25m.safetensors",
    "dir_500",
]
GENOPS = """
import pickletools, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
data = archive.read(next(name for name in archive.namelist() if name.endswith("/data.pkl")))
names = {argument for code, argument, position in pickletools.genops(data) if code.name == "GLOBAL"}
"""
BYTES_READ = """
import sys
from modeldoctor.readers.checkpoint import read_checkpoint
print(read_checkpoint(sys.argv[1], sys.argv[1]).bytes_read)
"""


def measure(command: list[str], repeat: int) -> tuple[float, float, int]:
    """Median CPU seconds, peak RSS in MiB and exit code of a command, after one warm-up run."""
    seconds, peaks, code = [], [], 0
    for run in range(repeat + 1):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = code = os.waitstatus_to_exitcode(status)
        if run:
            seconds.append(usage.ru_utime + usage.ru_stime)
            peaks.append(usage.ru_maxrss / 1024)
    return statistics.median(seconds), max(peaks), code


def directory_and_pickles(path: Path) -> int:
    """The bytes nobody can do without: the zip directory, the pickles and the small records, which stand behind headers.

    A local header has 30 bytes before the name (APPNOTE 4.3.7); only it tells where the record begins.
    """
    with zipfile.ZipFile(path) as archive:
        small = sum(
            30 + len(info.filename) + info.compress_size for info in archive.infolist() if "/data/" not in info.filename
        )
        return path.stat().st_size - archive.start_dir + small


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=Path, required=True)
    parser.add_argument("--modeldoctor", default=f"{sys.executable} -m modeldoctor check --format json --exit-zero")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=INPUTS)
    options = parser.parse_args()
    peers = dict(peer.split("=", 1) for peer in options.peer)
    tools = {"modeldoctor": options.modeldoctor, **peers}
    bare = measure([sys.executable, "-c", "pass"], options.repeat)
    print(f"bare interpreter: {bare[0]:.3f} CPU s, {bare[1]:.0f} MiB\n")
    print("| input | " + " | ".join(f"{name} CPU s (MiB, exit)" for name in tools) + " | ÷ picklescan | genops CPU s |")
    print("|---|" + "---|" * (len(tools) + 2))
    for name in options.only or INPUTS:
        path = options.inputs / name
        results = {tool: measure([*shlex.split(command), str(path)], options.repeat) for tool, command in tools.items()}
        cells = " | ".join(f"{cpu:.3f} ({peak:.0f}, {code})" for cpu, peak, code in results.values())
        ratio = f"{results['modeldoctor'][0] / results['picklescan'][0]:.2f}×" if "picklescan" in results else "–"
        zipped = path.is_file() and zipfile.is_zipfile(path)
        genops = f"{measure([sys.executable, '-c', GENOPS, str(path)], options.repeat)[0]:.3f}" if zipped else "–"
        print(f"| {name} | {cells} | {ratio} | {genops} |", flush=True)
    print("\n| input | bytes read | directory + pickles + small records | ratio |\n|---|---|---|---|")
    for name in options.only or INPUTS:
        path = options.inputs / name
        if path.is_file() and zipfile.is_zipfile(path):
            run = subprocess.run(
                [sys.executable, "-c", BYTES_READ, str(path)], capture_output=True, text=True, check=True
            )
            floor = directory_and_pickles(path)
            print(f"| {name} | {int(run.stdout):,} | {floor:,} | {int(run.stdout) / floor:.3f} |")


if __name__ == "__main__":
    main()

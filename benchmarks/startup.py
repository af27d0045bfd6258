#!/usr/bin/env python3
"""What each command costs before it does anything: instructions under cachegrind, as multiples of a bare interpreter.

Usage: python benchmarks/startup.py [--imports COMMAND]

Instructions in user space do not depend on the load of the machine, so this can fail a build; it needs valgrind. The
bytecode is compiled first. `--imports "check file.pt"` lists what that command imports, slowest first, instead.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SMALL = str(ROOT / "fixtures" / "checkpoints" / "state_dict.pt")
MAIN = "from modeldoctor.cli import main; main()"

# Multiples of `python -c pass`. typer itself takes 6.4 of them (0.24.2, Python 3.11).
BUDGETS: dict[str, tuple[list[str], float]] = {
    "import typer": ([], 7.0),
    "--version": (["--version"], 7.0),
    "--help": (["--help"], 8.0),
    "rules": (["rules"], 10.0),
    "explain": (["explain", "MDR101"], 10.0),
    "check, json": (["check", SMALL, "--format", "json"], 10.0),
    "check, plain": (["check", SMALL, "--format", "plain"], 10.0),
    "check, terminal": (["check", SMALL, "--format", "terminal", "--color", "always"], 14.0),
    "inspect, json": (["inspect", SMALL, "--format", "json"], 10.0),
}


def instructions(code: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Instructions of one run, all of the process; the first run fills the bytecode cache."""
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, env=environment, capture_output=True, check=False)
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run([*valgrind, *command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    assert found, done.stderr
    return int(found[1].replace(",", ""))


def imports(arguments: list[str], environment: dict[str, str]) -> None:
    """The modules that a command imports with the microseconds of their own, slowest first."""
    command = [sys.executable, "-X", "importtime", "-c", MAIN, *arguments]
    subprocess.run(command, env=environment, capture_output=True, check=False)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    rows = re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", done.stderr, re.MULTILINE)
    for microseconds, module in sorted(rows, key=lambda row: -int(row[0])):
        print(f"{microseconds:>8} µs  {module}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--imports", metavar="COMMAND")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "COLUMNS": "100"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        os.chdir(cache)  # away from configuration files
        if options.imports:
            imports(options.imports.split(), environment)
            return 0
        bare = instructions("pass", [], environment)
        print(f"{'bare interpreter':<18} {bare / 1e6:>8.1f} M")
        over = 0
        for name, (arguments, budget) in BUDGETS.items():
            count = instructions(MAIN if arguments else name, arguments, environment)
            verdict = "ok" if count <= budget * bare else "OVER"
            over += verdict == "OVER"
            print(f"{name:<18} {count / 1e6:>8.1f} M  {count / bare:>5.2f} × bare  budget {budget:>4.1f}  {verdict}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())

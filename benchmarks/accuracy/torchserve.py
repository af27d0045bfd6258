"""Hold what is predicted for TorchServe archives against what the real server did with them.

    python benchmarks/accuracy/torchserve.py --cases CASES.py --labels LABELS.json --observed OBSERVED.json

CASES.py fills `CASES` of the module `marlab` beside it (or `--builder`), which builds the archives. LABELS.json maps each
case to the verdict that a static check should come to, OBSERVED.json lists the phase in which the real server failed.
Each case is checked by `modeldoctor check` with the torch of the lab and its config.properties; conditional verdicts count
only with their condition given: `needs-server-env` with a Dockerfile of the lab's environment, `needs-pip` never.
Exits 1 below the bars: every error found in the right phase, nothing above info on quiet cases.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

PHASES = ("start-up", "register", "load", "infer")
LEVELS = {"": 0, "info": 1, "warning": 2, "error": 3}
# What the environment of the lab's server held.
DOCKERFILE = "FROM python:3.11-slim\nRUN pip install torch=={torch} torchserve==0.12.0 pyyaml psutil packaging pillow wheel numpy\n"


class Got(NamedTuple):
    """What `check` said of a case."""

    level: str
    phase: str
    codes: str
    problem: str = ""


class Row(NamedTuple):
    case: dict[str, Any]
    verdict: str
    observed: str
    got: Got
    counted: bool
    right: bool
    phase_right: bool | None


def main() -> None:
    parser = argparse.ArgumentParser(description="Predictions for TorchServe archives against the real server.")
    parser.add_argument("--cases", required=True, type=Path)
    parser.add_argument("--labels", required=True, type=Path)
    parser.add_argument("--observed", type=Path)
    parser.add_argument("--builder", type=Path, help="marlab.py, when it does not lie beside the cases")
    parser.add_argument("--torch", default="2.13.0", help="the torch of the lab's server")
    parser.add_argument("--all", action="store_true", help="print every case, not only those that are wrong")
    options = parser.parse_args()
    labels = json.loads(options.labels.read_text())
    observed = {row["id"]: row["phase"] for row in json.loads(options.observed.read_text())} if options.observed else {}
    with tempfile.TemporaryDirectory() as folder:
        cases, paths = build(options.cases, options.builder or options.cases.parent / "marlab.py", folder)
        with ThreadPoolExecutor(2) as pool:
            rows = list(
                pool.map(
                    lambda case: judge(case, paths[case["id"]], labels, observed, options.torch, folder),
                    [case for case in cases if case["id"] in labels],
                )
            )
    report(rows, everything=options.all)


def build(cases: Path, builder: Path, folder: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The archives of the lab, by the id of the case."""
    sys.path.insert(0, str(builder.parent))
    import marlab

    spec = importlib.util.spec_from_file_location("cases", cases)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return marlab.CASES, marlab.build(marlab.CASES, os.path.join(folder, "archives"))


def judge(
    case: dict[str, Any], path: str, labels: dict[str, Any], observed: dict[str, str], torch: str, folder: str
) -> Row:
    verdict = labels[case["id"]]["verdict"]
    phase = observed.get(case["id"]) or labels[case["id"]].get("observed_phase", "")
    server = Path(folder, "servers", case["id"])
    server.mkdir(parents=True)
    (server / "config.properties").write_text(case["env"].get("props", ""))
    if verdict == "needs-server-env":
        (server / "Dockerfile").write_text(DOCKERFILE.format(torch=torch))
    got = check(path, torch, server / "config.properties", named=not case["env"].get("no_name"))
    error = verdict == "error" or verdict.startswith("error-if") or verdict == "needs-server-env"
    level = LEVELS[got.level]
    right = {"quiet": level <= 1, "info": level <= 1, "warn": level >= 2}.get(verdict, level == 3 if error else True)
    counted = verdict not in {"undecidable", "needs-pip"}
    return Row(case, verdict, phase, got, counted, right and not got.problem, got.phase == phase if error else None)


def check(path: str, torch: str, config: Path, *, named: bool) -> Got:
    """The worst level and the first phase that fails, as the JSON report has them."""
    command = [sys.executable, "-m", "modeldoctor", "check", path, "--torch", torch, "--ts-config", str(config),
               "--no-config", "--format", "json"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        document = json.loads(done.stdout)
    except ValueError:
        return Got("", "", "", f"no JSON: {done.stderr[-200:]}")
    findings = document["findings"]
    level = max((finding["severity"] for finding in findings), key=LEVELS.__getitem__, default="")
    phases = [phase_of(finding["data"], named=named) for finding in findings if finding["severity"] == "error"]
    first = min((phase for phase in phases if phase), key=PHASES.index, default="ok")
    codes = " ".join(sorted({finding["code"] for finding in findings if finding["severity"] == level}))
    return Got(level, first, codes, "; ".join(error["message"] for error in document["errors"]))


def phase_of(data: dict[str, Any] | None, *, named: bool) -> str | None:
    """The phase of a finding; `named`: the register call gives the name of the model."""
    data = data or {}
    return (data["named"] if named and "named" in data else data).get("phase") if "http" in data else None


def report(rows: list[Row], *, everything: bool) -> None:
    for row in rows:
        wrong = row.counted and (not row.right or row.phase_right is False)
        if everything or wrong:
            print(f"{row.case['id']:44} {row.verdict:20} {row.observed:9} got {row.got.level or 'quiet':8}"
                  f"{row.got.phase:9} {row.got.codes} {row.got.problem}{'  <<<' if wrong else ''}")  # fmt: skip
    counted = [row for row in rows if row.counted]
    errors = [row for row in counted if row.phase_right is not None]
    quiet = [row for row in counted if row.verdict in {"quiet", "info"}]
    warned = [row for row in counted if row.verdict == "warn"]
    found = sum(row.right for row in errors)
    phases = sum(row.right and bool(row.phase_right) for row in errors)
    alarms = sum(not row.right for row in quiet)
    print(f"\n{len(rows)} cases, {len(counted)} counted: {dict(Counter(row.verdict for row in rows))}")
    print(f"errors found: {found}/{len(errors)}; in the right phase: {phases}/{len(errors)}")
    print(f"false alarms on quiet and info cases: {alarms}/{len(quiet)}")
    print(f"warnings found: {sum(row.right for row in warned)}/{len(warned)}")
    undecided = [row for row in rows if row.verdict == "undecidable"]
    print(
        f"undecidable cases decided all the same: {sum(row.got.level == 'error' for row in undecided)}/{len(undecided)}"
    )
    sys.exit(not (found == phases == len(errors) and not alarms and all(row.right for row in warned)))


if __name__ == "__main__":
    main()

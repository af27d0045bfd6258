#!/usr/bin/env python3
"""When models are loaded, against hand-labelled public repositories.

Usage: python benchmarks/accuracy/serving.py --labels FILE --repos DIR [--all]

FILE lists repositories with labelled load sites (`repos: [{repo, commit, framework, sites: [{at, call, label, unsure}]}]`);
`DIR/<owner>+<name>` holds each repository at the labelled commit. A labelled site is found when a load is reported at its
line, or when its line is a call on the way to a reported load (a project's own `load_model()`). Prints the confusion
table, per-request recall and precision over certain sites, and every case that is missed or wrong. `--all` prints the
right ones too.
"""

import argparse
import os
from collections import Counter
from pathlib import Path

import yaml

from modeldoctor.readers.source.loads import LoadSite, analyse

EXPECTED = {
    "per_request": "per_request",
    "per_request_via_helper": "per_request",
    "once_at_import": "at_import",
    "once_at_startup": "at_startup",
    "lazy_cached": "lazy",
    "background_task": "background",
    "script_only": "script",
}
SKIPPED_FOLDERS = {".git", "node_modules", "venv", ".venv", "env", "__pycache__", "site-packages"}


def files(root: Path) -> list[str]:
    """Paths of all files below a folder, relative, with `/`."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/") for name in names]
    return found


def site_at(loads: tuple[LoadSite, ...], at: str) -> LoadSite | None:
    """The load at a place, or the one that a call at this place leads to."""
    direct = next((load for load in loads if f"{load.path}:{load.call.line}" == at), None)
    return direct or next(
        (load for load in loads if any(f"{step.path}:{step.line}" == at for step in load.chain)), None
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    confusion: Counter[tuple[str, str]] = Counter()
    hits = misses = false_alarms = absent = 0
    for entry in yaml.safe_load(options.labels.read_text(encoding="utf-8"))["repos"]:
        name = entry["repo"].removeprefix("github:").replace("/", "+")
        root = options.repos / name
        if not root.is_dir():
            absent += 1
            print(f"absent: {name}")
            continue
        loads = analyse(str(root), files(root)).loads
        for site in entry["sites"]:
            found = site_at(loads, site["at"])
            want, have = EXPECTED[site["label"]], found.when if found else "missing"
            confusion[want, have] += 1
            certain = not site.get("unsure") and "tokenizer" not in site.get("flags", [])
            hits += certain and want == have == "per_request"
            misses += certain and want == "per_request" != have
            false_alarms += certain and have == "per_request" != want
            if have != want or options.all:
                doubt = " (unsure)" if site.get("unsure") else ""
                print(
                    f"{name} [{entry['framework']}] {site['at']} {site['call']}: {want}{doubt}, got {have}; {site.get('how')}"
                )
        labelled = {site["at"] for site in entry["sites"]}
        for load in loads:
            if load.when == "per_request" and f"{load.path}:{load.call.line}" not in labelled:
                chain = " > ".join(step.target for step in load.chain)
                print(
                    f"{name} not labelled: {load.path}:{load.call.line} {load.loader.name} per request via {chain or 'itself'}"
                )
    print("\nlabelled → reported")
    for (want, have), count in sorted(confusion.items()):
        print(f"  {want:12} → {have:12} {count:4}{'' if want == have else '   *'}")
    right = sum(count for (want, have), count in confusion.items() if want == have)
    print(f"\nright: {right} of {confusion.total()}; repositories absent: {absent}")
    print(f"certain per-request sites: recall {hits}/{hits + misses}, precision {hits}/{hits + false_alarms}")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""When models are loaded, and what else the rules say, against hand-labelled public repositories.

Usage: python benchmarks/accuracy/serving.py --labels FILE --repos DIR [--all]

FILE lists repositories with labelled load sites (`repos: [{repo, commit, framework, sites: [{at, call, label, unsure,
flags}]}]`); `DIR/<owner>+<name>` holds each repository at the labelled commit. A labelled site is found when a load is
reported at its line, or when its line is a call on the way to a reported load (a project's own `load_model()`). Prints
the confusion table, per-request recall and precision over certain sites, every case that is missed or wrong, and for
each flag how the rule that goes with it did. `--all` prints the right cases too.
"""

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from modeldoctor.findings import Hit, Severity
from modeldoctor.readers.source.loads import ORDER, Analysis, analyse
from modeldoctor.readers.source.names import Symbol
from modeldoctor.readers.source.read import read_source
from modeldoctor.rules import rules_for
from modeldoctor.rules.base import Context

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
ONCE = {"once_at_import", "once_at_startup", "lazy_cached", "script_only"}
# Rules on when a load runs: on a site that loads once they may say nothing above info.
TIMING = {
    "load-per-request",
    "tokenizer-per-request",
    "load-per-task",
    "dependency-loads",
    "lazy-load",
    "load-at-import",
}

# flag of a site → the rule that goes with it, and whether it must stand at the site or anywhere in the repository
FLAGS = {
    "no_map_location": ("missing-map-location", "site"),
    "full_module": ("loaded-as-module", "site"),
    "weights_only_false": ("weights-only-false", "site"),
    "main_guard_only": ("model-only-in-main", "site"),
    "swallowed_load_error": ("load-failure-swallowed", "site"),
    "client_controlled_model": ("client-chosen-file", "site"),
    "no_eval": ("missing-eval", "repository"),
    "no_no_grad": ("missing-no-grad", "repository"),
    "async_blocking": ("blocking-inference", "repository"),
    "debug_true": ("debug-mode", "repository"),
    "forced_cuda": ("forced-cuda", "repository"),
}
# Flags that the labels give or withhold on every `torch.load` that a service runs, so that false alarms can be told.
COMPLETE = ("no_map_location", "full_module")


def files(root: Path) -> list[str]:
    """Paths of all files below a folder, relative, with `/`."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        found += [os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/") for name in names]
    return found


def when_at(analysis: Analysis, at: str) -> str:
    """When the load at a place runs, or the one that a call at this place leads to."""
    for load in analysis.loads:
        if f"{load.path}:{load.call.line}" == at:
            return load.when
    through = [
        {"request": "per_request", "import": "at_import", "startup": "at_startup"}.get(
            visit.entry.context, visit.entry.context
        )
        for load in analysis.loads
        for visit in analysis.reached.get(Symbol("function", load.path, load.scope), ())
        if any(f"{step.path}:{step.line}" == at for step in visit.chain)
    ]
    return min(through, key=ORDER.index, default="missing")


def hits_of(root: Path) -> list[tuple[str, Severity, Hit]]:
    """What the rules on serving code say about a repository, with slug and severity."""
    source = read_source(str(root), ".")
    context = Context()
    return [
        (rule.slug, hit.severity or rule.severity, hit)
        for rule in rules_for("Source")
        for hit in rule.check(source, context)
        if isinstance(hit, Hit)
    ]


def places(hit: Hit) -> set[str]:
    """The places that a finding names."""
    spans = [hit.where, *(other.where for other in hit.related)]
    return {f"{where.path}:{where.line}" for where in spans if where is not None}


class Tally:
    """What was counted."""

    def __init__(self) -> None:
        self.confusion: Counter[tuple[str, str]] = Counter()
        self.per_request: Counter[str] = Counter()
        self.flags: Counter[tuple[str, str]] = Counter()
        self.loud = 0

    def site(self, site: dict[str, Any], have: str) -> None:
        """One labelled site and what was said about it."""
        want = EXPECTED[site["label"]]
        self.confusion[want, have] += 1
        if site.get("unsure") or "tokenizer" in site.get("flags", []):
            return
        if want == "per_request":
            self.per_request["hit" if have == want else "miss"] += 1
        elif have == "per_request":
            self.per_request["false alarm"] += 1

    def rules(self, entry: dict[str, Any], hits: list[tuple[str, Severity, Hit]]) -> None:
        """What the rules said about the flags of a repository's sites."""
        for site in entry["sites"]:
            for flag in site.get("flags", []):
                if flag in FLAGS and site["label"] != "script_only":
                    slug, reach = FLAGS[flag]
                    found = any(s == slug and (reach != "site" or site["at"] in places(hit)) for s, _, hit in hits)
                    self.flags[flag, "found" if found else "missed"] += 1
                    if not found:
                        print(f"{entry['repo']} {site['at']} flag {flag}: no {slug}")
            for flag in COMPLETE if site["call"] == "torch.load" and site["label"] != "script_only" else ():
                slug = FLAGS[flag][0]
                told = any(s == slug and f"{h.where.path}:{h.where.line}" == site["at"] for s, _, h in hits if h.where)
                if told and flag not in site.get("flags", []):
                    self.flags[flag, "false alarm"] += 1
                    print(f"{entry['repo']} {site['at']}: {slug} though not flagged")
            if site["label"] in ONCE:
                self.loud += sum(
                    s in TIMING and severity > Severity.INFO and site["at"] in places(hit) for s, severity, hit in hits
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    tally = Tally()
    absent = 0
    for entry in yaml.safe_load(options.labels.read_text(encoding="utf-8"))["repos"]:
        root = options.repos / entry["repo"].removeprefix("github:").replace("/", "+")
        if not root.is_dir():
            absent += 1
            print(f"absent: {root.name}")
            continue
        analysis = analyse(str(root), files(root))
        for site in entry["sites"]:
            want, have = EXPECTED[site["label"]], when_at(analysis, site["at"])
            tally.site(site, have)
            if have != want or options.all:
                doubt = " (unsure)" if site.get("unsure") else ""
                place = f"{root.name} [{entry['framework']}] {site['at']} {site['call']}"
                print(f"{place}: {want}{doubt}, got {have}; {site.get('how')}")
        labelled = {site["at"] for site in entry["sites"]}
        for load in analysis.loads:
            if load.when == "per_request" and f"{load.path}:{load.call.line}" not in labelled:
                chain = " > ".join(step.target for step in load.chain) or "itself"
                print(f"{root.name} not labelled: {load.path}:{load.call.line} {load.loader.name} via {chain}")
        tally.rules(entry, hits_of(root))
    report(tally, absent)


def report(tally: Tally, absent: int) -> None:
    """The tables."""
    print("\nlabelled → reported")
    for (want, have), count in sorted(tally.confusion.items()):
        print(f"  {want:12} → {have:12} {count:4}{'' if want == have else '   *'}")
    right = sum(count for (want, have), count in tally.confusion.items() if want == have)
    print(f"\nright: {right} of {tally.confusion.total()}; repositories absent: {absent}")
    print("\nflag                     rule                     found missed false alarms")
    for flag, (slug, _) in FLAGS.items():
        found, missed = tally.flags[flag, "found"], tally.flags[flag, "missed"]
        alarms = tally.flags[flag, "false alarm"] if flag in COMPLETE else "not labelled"
        print(f"  {flag:23} {slug:24} {found:4} {missed:6} {alarms}")
    hits, misses, alarms = (tally.per_request[key] for key in ("hit", "miss", "false alarm"))
    print(f"\ncertain per-request sites: recall {hits}/{hits + misses}, precision {hits}/{hits + alarms}")
    print(f"findings above info about when a load runs, on sites that load once: {tally.loud}")


if __name__ == "__main__":
    main()

"""Hold the load prediction against loads by real torch releases: `python benchmarks/accuracy/version_lab.py --lab DIR`.

DIR holds `matrix.json` and `files/<writer release>/<kind>.pt|.pt2`, `files/static/<name>`: which file which release
loaded how, on a host without a GPU. `--list-misses` shows every cell that was predicted wrong. Exits 1 below the
shares that are asked for (`--outcome`, `--class`). `--time` measures the full matrix of every file besides.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from modeldoctor.facts.load import LoadOutcome
from modeldoctor.predict.load import Predictor, matrix
from modeldoctor.predict.load.selection import known_releases
from modeldoctor.readers.checkpoint.read import read_checkpoint

MODES = {
    "D": "default",
    "W1": "weights_only",
    "W0": "full",
    "C": "default_cpu",
    "M": "mmap",
    "J": "jit",
    "E": "export",
    "S": "safetensors",
    "F": "forward",
    "JF": "jit_forward",
    "EF": "export_forward",
}


class Cell(NamedTuple):
    """One load and what was predicted. `observed` is the class of the outcome; `ok` is a load."""

    kind: str
    writer: str
    reader: str
    mode: str
    observed: str
    detail: str
    predicted: LoadOutcome

    @property
    def loads(self) -> bool:
        """Whether the file loaded."""
        return self.observed == "ok"

    @property
    def verdict(self) -> str:
        """`right`, `class` (right outcome, other class), `false loads`, `false fails`, `unknown`."""
        if self.predicted.outcome == "unknown":
            return "unknown"
        if self.predicted.loads != self.loads:
            return "false loads" if self.predicted.loads else "false fails"
        return "right" if self.predicted.outcome_class == self.observed else "class"


def main() -> None:
    """Read the lab, predict every cell, say how much is right."""
    parser = argparse.ArgumentParser(description="Load prediction against real loads.")
    parser.add_argument("--lab", required=True, help="folder with matrix.json and files/")
    parser.add_argument("--list-misses", action="store_true", help="show every cell that is wrong")
    parser.add_argument("--kind", help="only this kind")
    parser.add_argument("--time", action="store_true", help="how long all releases and ways of loading take per file")
    parser.add_argument("--outcome", type=float, default=0.995, help="share of right outcomes that is asked for")
    parser.add_argument("--class", type=float, default=0.97, dest="classes", help="same for classes")
    options = parser.parse_args()
    seconds = time.perf_counter()
    cells = list(_cells(options.lab, options.kind))
    seconds = time.perf_counter() - seconds
    if options.list_misses:
        _list(cells)
    _summary(cells, seconds)
    if options.time:
        _time(options.lab)
    right = _share(cells, lambda cell: cell.verdict in {"right", "class"})
    classes = _share(cells, lambda cell: cell.verdict == "right")
    sys.exit(right < options.outcome or classes < options.classes)


def _cells(lab: str, only: str | None) -> Iterator[Cell]:
    with open(os.path.join(lab, "matrix.json"), encoding="utf-8") as file:
        matrix = json.load(file)
    outcomes = [(outcome[0], _detail(outcome)) for outcome in matrix["outcomes"]]
    for kind, writers in matrix["cells"].items():
        for writer, rows in writers.items() if only in {None, kind} else ():
            path = _path(lab, kind, writer)
            if path is None:
                print(f"there is no file for {kind} of {writer}", file=sys.stderr)
                continue
            predictor = Predictor(read_checkpoint(path, os.path.basename(path)))
            for readers, modes in rows:
                for reader in readers.split():
                    for mode, place in modes.items():
                        name = MODES[mode.removesuffix("-")]
                        predicted = predictor.predict(reader, name, importable=not mode.endswith("-"))
                        observed, detail = outcomes[place]
                        yield Cell(kind, writer, reader, mode, observed, detail, predicted)


def _path(lab: str, kind: str, writer: str) -> str | None:
    paths = [os.path.join(lab, "files", writer, kind + tail) for tail in ("", ".pt", ".pt2")]
    return next((path for path in paths if os.path.isfile(path)), None)


def _detail(outcome: list[Any]) -> str:
    if outcome[1] != "err":
        return str(outcome[2])
    core = next((part["core"] for part in outcome[4:] if isinstance(part, dict) and "core" in part), None)
    return f"{outcome[2]}: {core or outcome[3]}"


# --------------------------------------------------------------------------- report


def _share(cells: list[Cell], good: Callable[[Cell], bool]) -> float:
    return sum(good(cell) for cell in cells) / max(1, len(cells))


def _summary(cells: list[Cell], seconds: float) -> None:
    for title, key in (("kind", "kind"), ("reader", "reader"), ("mode", "mode"), ("observed class", "observed")):
        groups: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            groups[getattr(cell, key)].append(cell)
        worst = sorted(groups.items(), key=lambda item: (-_weight(item[1]), item[0]))
        print(f"\nby {title}, worst first")
        for name, members in [item for item in worst if _weight(item[1])][:25]:
            wrong = Counter(cell.verdict for cell in members if cell.verdict != "right")
            print(
                f"  {name:32} {len(members):5} loads: " + ", ".join(f"{wrong[each]} {each}" for each in sorted(wrong))
            )
    verdicts = Counter(cell.verdict for cell in cells)
    total = len(cells)
    print(f"\n{total} loads, {seconds:.1f} s with reading")
    print(f"  right outcome  {100 * (verdicts['right'] + verdicts['class']) / total:7.3f} %")
    print(f"  right class    {100 * verdicts['right'] / total:7.3f} %")
    for name in ("false loads", "false fails", "unknown"):
        print(f"  {name:14} {verdicts[name]:7}")


def _time(lab: str) -> None:
    """The full matrix of each file, over its inspection."""
    releases, times = known_releases(), {}
    for folder, _, names in os.walk(os.path.join(lab, "files")):
        for path in (os.path.join(folder, name) for name in names):
            checkpoint = read_checkpoint(path, path)
            started = time.process_time()
            matrix(checkpoint, releases, MODES.values(), importable=(True, False))
            times[path] = 1000 * (time.process_time() - started)
    slowest = max(times, key=lambda path: times[path])
    print(f"\n{len(releases)} releases, {len(MODES)} ways, with and without the code of others, of {len(times)} files")
    print(f"  median {statistics.median(times.values()):.1f} ms, most {times[slowest]:.1f} ms: {slowest}")


def _weight(cells: list[Cell]) -> float:
    """False loads are worst, then false failures and unknowns, then classes."""
    cost = {"right": 0, "class": 1, "unknown": 10, "false fails": 10, "false loads": 20}
    return sum(cost[cell.verdict] for cell in cells)


def _list(cells: list[Cell]) -> None:
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for cell in cells:
        if cell.verdict != "right":
            found = cell.predicted
            said = f"{found.exception}: {found.message}"[:110]
            about = cell.verdict, cell.kind, cell.writer, cell.mode, cell.observed, cell.detail[:110]
            groups[*about, found.outcome_class, said].append(cell.reader)
    for key, readers in sorted(groups.items(), key=lambda item: (item[0][0] == "class", item[0])):
        verdict, kind, writer, mode, observed, detail, predicted, message = key
        print(f"{verdict}: {kind} of {writer}, {mode} by {' '.join(readers)}")
        print(f"    observed  {observed:28} {detail!r}")
        print(f"    predicted {predicted:28} {message!r}")


if __name__ == "__main__":
    main()

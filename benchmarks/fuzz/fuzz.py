"""Damage real checkpoints and see what the readers, the rules and the reports do with them.

Usage: python benchmarks/fuzz/fuzz.py --seconds 900 [--seed N] [--keep FOLDER]

Reported are crashes (of readers, rules and reports), hangs (more than 2 CPU seconds), allocations (more than 300 MB) and
reports that break their promises: a finding for what is not understood, no control characters, valid JSON. Each is
kept as a file, reduced by Hypothesis. Exits with 1 when there is one. Needs a POSIX system; only Linux bounds memory.
"""

import argparse
import faulthandler
import gc
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_SECONDS = 2.0
MAX_BYTES = 300_000_000
# A machine that does other things at the same time: a hang is confirmed by a second look at the same input.
LOOKS = 2


class HangError(BaseException):
    """The time is over; no `except Exception` holds it up."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "modeldoctor-fuzz")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.keep.mkdir(parents=True, exist_ok=True)
    return work(options) if options.work else watch(options)


def watch(options: argparse.Namespace) -> int:
    """Let a child do the work, and begin again when it dies of what it was fed."""
    ends = time.monotonic() + options.seconds
    seed = options.seed if options.seed is not None else int(time.time())
    total: Counter[str] = Counter()
    while (left := ends - time.monotonic()) > 1:
        command = [
            sys.executable,
            __file__,
            "--work",
            "--seconds",
            str(left),
            "--seed",
            str(seed),
            "--keep",
            str(options.keep),
        ]
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        for line in child.stdout.splitlines():
            if line.startswith("counts "):
                total.update(json.loads(line.removeprefix("counts ")))
            else:
                print(line, flush=True)
        if child.returncode not in {0, 1}:
            total["died"] += 1
            kept = options.keep / f"died-{seed}"
            (options.keep / "last").rename(kept)
            print(f"died with {child.returncode} at {kept}", flush=True)
        seed += 1
    print(f"seed {seed}: {dict(total)}; inputs that break something are in {options.keep}")
    return 1 if sum(total.values()) > total["examined"] else 0


# --------------------------------------------------------------------------- the child


def work(options: argparse.Namespace) -> int:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    sys.path.insert(0, str(Path(__file__).parent))
    from inputs import Made, inputs

    faulthandler.enable()
    session = Session(options.keep)
    ends = time.monotonic() + options.seconds
    rounds = 0
    while time.monotonic() < ends:
        rounds += 1

        @seeded(options.seed * 100_000 + rounds)
        @settings(
            max_examples=300,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs())
        def examine(made: Made) -> None:
            session.examine(made.suffix, made.content)

        try:
            examine()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            session.tell(error)
    print(f"counts {json.dumps(session.counts)}")
    return 1 if len(session.counts) > 1 else 0


class Session:
    """What was examined so far."""

    def __init__(self, keep: Path) -> None:
        self.keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.counts: Counter[str] = Counter()
        self.told: set[str] = set()
        self.content: bytes | dict[str, bytes] = b""
        signal.signal(signal.SIGPROF, stop)

    def examine(self, suffix: str, content: bytes | dict[str, bytes]) -> None:
        """One input: read, judged and reported. Raises what is wrong."""
        self.counts["examined"] += 1
        self.content = content
        path = self.write(self.folder / f"model{suffix}", content)
        self.write(self.keep / "last", content)
        for look in range(LOOKS):
            try:
                check(str(path))
            except HangError:
                if look == LOOKS - 1:
                    self.tell(TimeoutError(f"more than {MAX_SECONDS} seconds"))
            else:
                return

    def write(self, path: Path, content: bytes | dict[str, bytes]) -> Path:
        """Put the input where the last one was."""
        subprocess.run(["rm", "-rf", str(path)], check=True) if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
            return path
        path.mkdir()
        for name, data in content.items():
            (path / name).write_bytes(data)
        return path

    def tell(self, error: Exception) -> None:
        """Count it, and keep the input of each kind once."""
        frame = traceback.extract_tb(error.__traceback__)[-1:]
        place = f"{Path(frame[0].filename).name}:{frame[0].name}" if frame else ""
        what = f"{type(error).__name__} {place} {str(error)[:300]}"
        self.counts[type(error).__name__] += 1
        digest = hashlib.sha256(
            f"{type(error).__name__} {place} {str(error)[:60]}".encode("utf-8", "replace")
        ).hexdigest()[:10]
        if digest not in self.told:
            self.told.add(digest)
            kept = self.write(self.keep / f"{type(error).__name__}-{digest}", self.content)
            print(f"{what!r} at {kept}", flush=True)


@contextmanager
def limits() -> Iterator[None]:
    """CPU time and address space for one step; what the process has already is not counted."""
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()  # Hypothesis has one, and would swallow what the timer raises in it
    infinity = (-1, -1)
    if sys.platform == "linux":
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MAX_BYTES, resource.RLIM_INFINITY))
        infinity = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, infinity)
        gc.callbacks.extend(callbacks)


def stop(*_: object) -> None:
    raise HangError


def check(path: str) -> None:
    """`check` and `inspect` in every format, and what they promise."""
    from modeldoctor.config import Config
    from modeldoctor.engine import examine, run
    from modeldoctor.facts.environment import Target, Value
    from modeldoctor.reporters.blocks import blocks
    from modeldoctor.reporters.inspection import inspection
    from modeldoctor.reporters.json import inspection_text, report_text
    from modeldoctor.reporters.plain import plain
    from modeldoctor.reporters.text import render

    names = {"torch": "2.6.0", "python": "3.10", "numpy": "1.26.4", "cuda": "cpu"}
    config = Config(target=Target(**{name: Value(text, "--fuzz") for name, text in names.items()}))
    with limits():
        report = run((path,), config)
    for failure in report.failures:
        if "no model file" in failure.message:  # a folder of nothing
            return
        raise RuntimeError(f"{failure.message} {(failure.traceback or '')[-600:]}")
    for subject in report.subjects:
        if subject.state in {"not understood", "unreadable"} and os.path.isfile(path) and not report.exit_code():
            raise AssertionError(f"{subject.state}, and the exit code is 0")
    with limits():
        document = json.loads(report_text(report))
        texts = [plain(report, verbosity=1), render(blocks(report, width=100, verbosity=1))]
    if document["schema"] != "modeldoctor/report/v1":
        raise AssertionError("another schema")
    if len(report.subjects) == 1:
        with limits():
            subject = examine(path)
        with limits():
            json.loads(inspection_text(subject.facts, subject.state))
        with limits():
            texts.append(render(inspection(subject, width=100, depth=None, tensors=False, verbose=True)))
    for text in texts:
        if any(ord(character) < 32 and character != "\n" for character in text):
            raise AssertionError("a control character in the report")


if __name__ == "__main__":
    sys.exit(main())

"""The hostile corpus: each sample gets its finding, none is executed, none takes long or much memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import archives, execution, names, streams
from tests.hostile.forge import Sample

FAMILIES = {"execution": execution, "streams": streams, "archives": archives}
SAMPLES: list[tuple[str, Sample]] = [
    (f"{family}-{index:03}", sample)
    for family, module in FAMILIES.items()
    for index, sample in enumerate(module.SAMPLES)
]
# The promise is 2 seconds and 300 MB; a machine that runs other tests at the same time gets five times as long.
MAX_SECONDS = 10
MAX_MIB = 286
ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def write(folder: Path, name: str, sample: Sample, canary: Path) -> Path:
    """The sample as a file, or as a folder."""
    content = sample.make(str(canary))
    if isinstance(content, bytes):
        path = folder / f"{name}.pt"
        path.write_bytes(content)
        return path
    for file, data in content.items():
        path = folder / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder / name


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canaries")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, canaries: Path) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for name, sample in SAMPLES:
        write(folder, name, sample, canaries / name)
    return folder


@pytest.fixture(scope="module")
def results(corpus: Path) -> dict[str, dict[str, Any]]:
    script = Path(__file__).with_name("examine.py")
    done = subprocess.run(
        [sys.executable, script, corpus], capture_output=True, check=True, env=ENVIRONMENT, timeout=600
    )
    return {name.removesuffix(".pt"): result for name, result in json.loads(done.stdout).items()}


def test_names_are_told_apart() -> None:
    assert len({sample.name for _, sample in SAMPLES}) == len(SAMPLES)
    assert len(SAMPLES) > 300


def test_every_sample_gets_its_finding(results: dict[str, dict[str, Any]]) -> None:
    wrong = []
    for name, sample in SAMPLES:
        codes = set(results[name]["codes"])
        missing = [expected for expected in sample.expect if not codes & set(expected.split("|"))]
        if missing or (results[name]["worst"] < 2 and not sample.silent):
            wrong.append(f"{name} ({sample.name}): {sorted(codes)} without {missing}")
    assert wrong == []


def test_nothing_crashes(results: dict[str, dict[str, Any]]) -> None:
    assert [(name, results[name]["failures"]) for name, _ in SAMPLES if results[name]["failures"]] == []


def test_nothing_is_executed(results: dict[str, dict[str, Any]], canaries: Path) -> None:
    assert len(results) == len(SAMPLES)
    assert list(canaries.iterdir()) == []


def test_nothing_takes_long_or_much_memory(results: dict[str, dict[str, Any]]) -> None:
    slow = {name: result["seconds"] for name, result in results.items() if result["seconds"] > MAX_SECONDS}
    assert slow == {}
    assert max(result["peak_mib"] for result in results.values()) < MAX_MIB


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The samples that make their canary when they are really loaded."""
    folder, made = tmp_path_factory.mktemp("live"), tmp_path_factory.mktemp("made")
    arguments = []
    for name, sample in SAMPLES:
        if sample.loader:
            arguments += [sample.loader, str(write(folder, name, sample, made / name))]
    script = Path(__file__).with_name("load_for_real.py")
    subprocess.run([sys.executable, script, *arguments], check=True, env=ENVIRONMENT, timeout=300, capture_output=True)
    return {path.name for path in made.iterdir()}


@pytest.mark.skipif(sys.platform == "win32", reason="the payload is named by its module on POSIX")
def test_the_payloads_are_real(loaded: set[str]) -> None:
    """Otherwise nothing would be proven by a canary that is not there."""
    assert [(name, sample.name) for name, sample in SAMPLES if sample.loader and name not in loaded] == []


@pytest.fixture(scope="module")
def printing(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Files with names that do something on a terminal, and samples with such bytes inside."""
    folder = tmp_path_factory.mktemp("names")
    for index, name in enumerate(names.NAMES):
        (folder / str(index)).mkdir()
        (folder / str(index) / name).write_bytes(b"\x80\2}.")
    files = [path for path in corpus.rglob("*") if path.is_file() and path.stat().st_size < 100_000]
    return [str(folder), *(str(path) for path in files if any(mark in path.read_bytes() for mark in WRITING))]


WRITING = (b"\x1b", b"[bold", "\u202e".encode(), rb"\u001b", rb"\u202e")


@pytest.mark.parametrize("form", ["plain", "json", "terminal"])
def test_nothing_writes_on_the_terminal(form: str, printing: list[str]) -> None:
    """Names of files, members and keys reach no terminal as they are."""
    assert len(printing) > 12
    command = [sys.executable, "-m", "modeldoctor", "check", "--format", form, "--color", "never", "-v", *printing]
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=300, check=False)
    assert done.returncode == 1, done.stderr.decode()[-2000:]
    output = done.stdout.decode()
    assert {character for character in output if ord(character) < 32 or 0x7F <= ord(character) < 0xA0} <= {"\n"}
    assert not {"\u202e", "\u2028"} & set(output)
    assert done.stderr.decode() == ""
    if form == "json":
        assert json.loads(output)["schema"] == "modeldoctor/report/v1"

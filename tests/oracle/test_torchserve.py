"""Predictions for the sample archives against the real loader of TorchServe, and against the real server.

Both need an interpreter with torchserve 0.12.0 and torch, named by MODELDOCTOR_TORCHSERVE; the server needs Java 17 too.
`nox -s torchserve` and `nox -s torchserve_server` provide it.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from modeldoctor.api import check
from modeldoctor.findings import Severity
from tests.rules.archives import fixtures

HERE = Path(__file__).parent
ARCHIVES = HERE.parents[1] / "fixtures" / "archives"
PHASES = ("start-up", "register", "load", "infer")
PYTHON = os.environ.get("MODELDOCTOR_TORCHSERVE", "")

heavy = [pytest.mark.heavy, pytest.mark.skipif(not PYTHON, reason="MODELDOCTOR_TORCHSERVE names no interpreter")]


def predicted(name: str) -> str:
    """The first call that fails, as the findings have it."""
    report = check(str(ARCHIVES / name), torch="2.13.0")
    assert not report.failures
    errors = [item for item in report.findings if item.severity is Severity.ERROR]
    phases = [(item.data or {}).get("phase") for item in errors]
    return min((phase for phase in phases if phase), key=PHASES.index, default="ok")


@pytest.mark.parametrize("name", sorted(fixtures.PHASES))
def test_the_phase_that_was_measured(name: str) -> None:
    assert predicted(name) == fixtures.PHASES[name]


@pytest.mark.parametrize("name", sorted(name for name, phase in fixtures.PHASES.items() if phase == "ok"))
def test_archives_that_serve_have_no_error(name: str) -> None:
    report = check(str(ARCHIVES / name), torch="2.13.0")
    errors = [item.message for item in report.findings if item.severity is Severity.ERROR]
    assert errors == []


def test_the_samples_are_what_the_script_writes() -> None:
    for name, (_, make) in fixtures.CASES.items():
        assert (ARCHIVES / name).read_bytes() == make(), name


def real(script: str, names: list[str]) -> dict[str, dict[str, str]]:
    paths = [str(ARCHIVES / name) for name in names]
    done = subprocess.run(
        [PYTHON, str(HERE / script), *paths], capture_output=True, text=True, check=True, timeout=3000
    )
    return {Path(path).name: found for path, found in json.loads(done.stdout).items()}


class TestReal:
    pytestmark = heavy

    def test_the_loader_agrees(self) -> None:
        # What fails at register, and what register itself starts, is out of the loader's reach.
        names = [name for name, phase in fixtures.PHASES.items() if phase != "register"]
        found = real("loader.py", names)
        wrong = {name: found[name] for name in names if found[name]["phase"] != predicted(name)}
        assert wrong == {}

    @pytest.mark.skipif("MODELDOCTOR_TORCHSERVE_SERVER" not in os.environ, reason="only by `nox -s torchserve_server`")
    def test_the_server_agrees(self) -> None:
        found = real("server.py", list(fixtures.PHASES))
        wrong = {name: found[name] for name in fixtures.PHASES if found[name]["phase"] != predicted(name)}
        assert wrong == {}

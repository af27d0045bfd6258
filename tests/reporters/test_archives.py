"""What the server will do, in every format."""

import json
from pathlib import Path

import pytest

from modeldoctor.api import check
from modeldoctor.reporters.blocks import blocks
from modeldoctor.reporters.json import report_text
from modeldoctor.reporters.plain import plain
from modeldoctor.reporters.text import render
from tests.rules.archives import BASED, ECHO, NET, checkpoint, configured, handled, mar

BROKEN = b"class H:\n    pass\n"


def answers(make, folder: Path) -> list[tuple[str, int | None]]:
    report = check(str(make(folder)))
    (target,) = json.loads(report_text(report))["targets"]
    return [(answer["call"], answer["http"]) for answer in target["facts"]["predicted"]]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (mar(), [("register", 200), ("worker", 200), ("request", 200)]),
        (mar(modelName=None), [("register", 400), ("worker", None), ("request", None)]),
        (handled(BROKEN), [("register", 200), ("worker", 500), ("request", None)]),
        (
            mar({"handler.py": BROKEN, "c.yaml": "minWorkers: 1\nmaxWorkers: 1\n"}, configFile="c.yaml"),
            [("register", 500), ("worker", None), ("request", None)],
        ),
        (configured("minWorkers: 2\nmaxWorkers: 2\n"), [("register", 200), ("worker", 200), ("request", 200)]),
    ],
    ids=["good", "register", "load", "register starts workers", "good workers"],
)
def test_the_calls_in_json(make, expected, tmp_path: Path) -> None:
    assert answers(make, tmp_path) == expected


def test_the_table_for_people(tmp_path: Path) -> None:
    report = check(str(handled(BROKEN)(tmp_path)))
    text = render(blocks(report, width=100))
    assert "register   200  registered, without a worker" in text
    assert "request    not reached" in text
    assert "register 200, worker 500, request not reached" in plain(report)


def test_a_store_in_one_run(tmp_path: Path) -> None:
    for number in range(5):
        mar(name=f"{number}.mar", modelName=f"m{min(number, 3)}")(tmp_path)
    report = check(str(tmp_path))
    conflict = next(item for item in report.findings if item.name == "model-name-conflict")
    assert conflict.data == {"phase": "start-up", "http": 409, "stops_server": True}
    assert sum(item.name == "server-unmaintained" for item in report.findings) == 1
    assert "start 409" in render(blocks(report, width=100))


def test_processes_change_nothing(tmp_path: Path) -> None:
    from modeldoctor.config import resolve
    from modeldoctor.engine import run

    for number in range(26):
        mar(name=f"{number}.mar", modelName=f"m{number}")(tmp_path)
    one, two = (run((str(tmp_path),), resolve({"jobs": jobs}, search=False)) for jobs in (1, 2))
    assert report_text(one) == report_text(two)


def test_what_the_archive_answers_of_its_models(tmp_path: Path) -> None:
    tagged = {"handler.py": BASED, "model.py": NET, "model.pth": checkpoint("tagged_cuda0.pt")}
    mapped = check(str(mar(tagged, serializedFile="model.pth", modelFile="model.py")(tmp_path)), gpu="none")
    assert "device-tag" not in {item.name for item in mapped.findings}
    plain_load = b"import torch\n" + ECHO.replace(b"self.ready = True", b"self.net = torch.load('model.pth')")
    bare = check(str(mar({**tagged, "handler.py": plain_load})(tmp_path)), gpu="none")
    assert "device-tag" in {item.name for item in bare.findings}

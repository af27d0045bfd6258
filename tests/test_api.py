import json
from pathlib import Path

import pytest

import modeldoctor
from modeldoctor.errors import UsageError

FIXTURE = str(Path(__file__).parent.parent / "fixtures" / "checkpoints" / "state_dict.pt")


def test_check() -> None:
    report = modeldoctor.check(FIXTURE, torch="2.6.0", gpu="none", ignore=["MDR2"])
    assert isinstance(report, modeldoctor.Report)
    assert report.exit_code() == 0
    assert [subject.state for subject in report.subjects] == ["understood"]
    assert report.target.torch.text == "2.6.0"
    assert report.target.gpus == ()


def test_options_are_those_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "other.toml"
    file.write_text("min-severity = 'error'\nstrict = true\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "modeldoctor.toml").write_text("nonsense = 1\n", encoding="utf-8")  # not read unless named
    assert modeldoctor.check(FIXTURE, fail_on="never").fail_on is None
    assert modeldoctor.check(FIXTURE, config=str(file)).exit_code() == 0
    with pytest.raises(UsageError, match="--torch must be a release"):
        modeldoctor.check(FIXTURE, torch="banana")
    with pytest.raises(UsageError, match="--fail-on must be"):
        modeldoctor.check(FIXTURE, fail_on="sometimes")
    assert "no such file" in modeldoctor.check("nothing.pt").failures[0].message


def test_paths_may_be_a_list_and_anything_that_is_a_path(tmp_path: Path) -> None:
    sick = Path(FIXTURE).with_name("full_model.pt")
    report = modeldoctor.check([FIXTURE, sick], Path(FIXTURE), fail_on="warning", select=["MDR201"])
    assert len(report.subjects) == 2
    assert [(finding.code, finding.severity.name, finding.where.path) for finding in report.findings] == [
        ("MDR201", "WARNING", report.findings[0].where.path)
    ]
    assert report.exit_code() == 1
    baseline = tmp_path / "known.json"
    assert modeldoctor.check(FIXTURE, baseline=str(baseline)).exit_code() == 2
    entry = {"code": "MDR201", "name": "x", "path": "x", "member": "", "key": "", "message": ""}
    entry["fingerprint"] = report.findings[0].fingerprint
    baseline.write_text(json.dumps({"schema": "modeldoctor/baseline/v1", "findings": [entry]}), encoding="utf-8")
    assert modeldoctor.check(sick, fail_on="warning", select=["MDR201"], baseline=str(baseline)).exit_code() == 0
    with pytest.raises(UsageError, match="--as-of must be a day"):
        modeldoctor.check(FIXTURE, as_of="tomorrow")


def test_inspect() -> None:
    facts = modeldoctor.inspect(FIXTURE, sha256=True)
    assert (facts.format, facts.state) == ("torch-zip", "understood")
    assert facts.tensors
    assert len(facts.sha256 or "") == 64
    with pytest.raises(UsageError, match="no such file"):
        modeldoctor.inspect("nothing.pt")


def test_the_package_is_light_and_lists_its_names() -> None:
    assert set(modeldoctor.__all__) <= set(dir(modeldoctor))
    with pytest.raises(AttributeError, match="has no attribute"):
        modeldoctor.nothing  # noqa: B018 - the access is the test

import json
from datetime import date
from pathlib import Path

import pytest

import modeldoctor.tables
from modeldoctor import cli
from modeldoctor.reporters.tables import listed, tables_text


def test_every_table_of_the_package_is_listed_with_its_day() -> None:
    folder = Path(modeldoctor.tables.__file__).parent
    assert {found.name for found in listed()} == {path.stem for path in folder.glob("*.json")}
    for found in listed():
        assert date.fromisoformat(found.as_of) > date(2026, 1, 1)
        assert found.rows
        assert found.holds


def test_old_tables_are_marked() -> None:
    oldest = date.fromisoformat(min(found.as_of for found in listed()))
    assert "days old" not in tables_text(oldest)
    assert "(365 days old)" in tables_text(oldest.replace(year=oldest.year + 1))


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["tables"]) == 0
    assert "compat " in capsys.readouterr().out
    assert cli.run(["tables", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "modeldoctor/tables/v1"
    assert {"name", "holds", "as_of", "rows", "sources"} == set(document["tables"][0])

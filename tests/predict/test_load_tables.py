"""The tables of the load prediction: built from the facts, whole, and quick to load."""

import subprocess
import sys
from pathlib import Path

from modeldoctor.predict.load.releases import columns, columns_for, parse, within
from modeldoctor.tables import table

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_are_those_of_the_facts() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "build_loading_tables.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_every_table_says_what_it_rests_on() -> None:
    for name in ("torch_loading", "torch_names", "torch_operators"):
        found = table(name)
        assert len(found["as_of"]) == 10
        assert all((ROOT / source).exists() for source in found["sources"])


def test_columns_are_in_order_and_whole() -> None:
    found = columns()
    assert [column.key for column in found] == sorted({column.key for column in found})
    for column in found:
        restricted = "restricted_loader" in column.does
        assert bool(column.allowed) == bool(column.opcodes) == restricted or not restricted
        assert column.zip_max >= 2
    assert found[0].release == "1.4.0"
    assert "checks_record_size" in found[-1].does


def test_spans() -> None:
    assert within("", (1, 0))
    assert within("2.1.2", (2, 1))
    assert not within("2.1.2", (2, 0))
    assert within("-1.4.0", (1, 4))
    assert not within("1.7.1-1.10.2", (1, 11))
    assert parse("v2.10.0+cu128") == (2, 10)
    assert parse("nightly") is None
    assert [column.release for column in columns_for("1.11.0")] == ["1.10.2", "1.12.1"]
    assert columns_for("0.4.1") == ()

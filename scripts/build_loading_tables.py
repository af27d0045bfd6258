"""Build the tables of `predict/load` from the sourced facts: `python scripts/build_loading_tables.py [--check]`.

`facts/torch_serialization.yaml` (measured by loading), `facts/torch_loading.yaml` (which release does what) and
`facts/torch_sources.json` (names read from the sources by `scripts/read_torch_sources.py`) are what people edit or
add to. This script validates them and writes `src/modeldoctor/tables/torch_{loading,names,operators}.json`.
`--check` writes nothing and fails when a table is out of date.

To add a torch release: read its wheel with `read_torch_sources.py`, append its column under `releases` of
torch_serialization.yaml (each field is one expression in that release, see the field names), add what it changed to
torch_loading.yaml, and build.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "src" / "modeldoctor" / "tables"


class FactError(ValueError):
    """A fact that cannot be true as it is written."""


def need(condition: object, message: str) -> None:
    """Stop with a message when a fact fails its check."""
    if not condition:
        raise FactError(message)


def order(release: str) -> tuple[int, ...]:
    """For comparing releases."""
    return tuple(int(part) for part in release.split("."))


# --------------------------------------------------------------------------- spans


def measured(name: str, fact: dict[str, Any], columns: list[str]) -> str:
    """`first` or `first-last` of a fact that was measured; "" when it always held."""
    if fact.get("never_seen") or fact.get("accepted") == "never":
        return "never"
    first, absent, last = fact["first_seen"], fact["absent_in"], fact.get("last_seen")
    need(first in columns, f"{name}: {first} was not measured")
    if absent:
        need(columns.index(absent) == columns.index(first) - 1, f"{name}: {absent} is not the release before {first}")
    if last:
        need(columns.index(fact["gone_in"]) == columns.index(last) + 1, f"{name}: gone_in does not follow last_seen")
    return ("" if absent is None else first) + (f"-{last}" if last else "")


def stated(name: str, fact: dict[str, Any], columns: list[str]) -> str:
    """The span of a fact of torch_loading.yaml."""
    first, last = fact["first"], fact.get("last")
    need({first, last} <= {*columns, None}, f"{name}: {first} or {last} was not measured")
    return ("" if first == columns[0] else first) + (f"-{last}" if last else "")


# --------------------------------------------------------------------------- tables


def loading(serialization: dict[str, Any], loads: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """What each release does with a file."""
    columns = list(serialization["releases"])
    need(columns == sorted(columns, key=order), "releases are out of order")
    restricted = serialization["weights_only"]
    opcodes = {
        name: measured(name, fact, columns) for name, fact in restricted["opcodes"].items() if "note" not in fact
    }
    for name, fact in loads["behaviours"].items():
        need(fact.get("source"), f"{name} has no source")
    return {
        "as_of": loads["as_of"],
        "sources": ["facts/torch_serialization.yaml", "facts/torch_loading.yaml", "facts/torch_sources.json"],
        "releases": {
            release: {
                "python": ".".join(row["python"].split(".")[:2]),
                "numpy": ".".join(row["numpy"].split(".")[:2]),
                **({"export_schema": row["export_schema"]} if row["export_schema"] else {}),
                **({"blocked": row["weights_only_blocked_modules"]} if row["weights_only_blocked_modules"] else {}),
            }
            for release, row in serialization["releases"].items()
        },
        "behaviours": {name: stated(name, fact, columns) for name, fact in loads["behaviours"].items()},
        "zip_version_max": loads["zip_version_max"],
        "opcodes": {
            **dict.fromkeys(_ALWAYS, ""),
            **{name: span for name, span in opcodes.items() if span != "never" and not name.startswith("PROTO")},
        },
        "allowed": {name: measured(name, fact, columns) for name, fact in restricted["allowed_globals"].items()},
        "signatures": {
            name: changes for name, changes in sources["signatures"].items() if not name.startswith("torch.distributed")
        },
        "sparse": loads["sparse"],
        "layouts": {name: stated(name, fact, columns) for name, fact in loads["layouts"].items()},
        "export_fields": loads["export_fields"],
        "attributes": sources["attributes"],
        "names": known_names(serialization, loads),
    }


# Accepted by every release with a restricted loader, whatever their operand.
_ALWAYS = ("PROTO", "STOP", "MARK", "BINPERSID", "NEWOBJ")
_MEASURED = (
    "resolvable_globals",
    "torch_utils_functions",
    "storage_classes",
    "dtypes",
    "nn_classes",
    "nn_parameter_classes",
    "optim_classes",
)


def known_names(serialization: dict[str, Any], loads: dict[str, Any]) -> dict[str, str]:
    """Names of torch whose resolution was measured: the ones that most checkpoints refer to."""
    columns = list(serialization["releases"])
    known: dict[str, str] = {}
    for section in _MEASURED:
        for name, fact in serialization[section].items():
            span = measured(name, fact, columns)
            need(known.get(name, span) == span, f"{name} is measured twice, and differently")
            known[name] = span
    return known | {name: stated(name, fact, columns) for name, fact in loads["resolvable"].items()}


def names(known: dict[str, str], loads: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """Where further names of torch resolve: per module one text of names, each with `@span` unless always there."""
    modules = {
        module: " ".join(
            name + (f"@{span}" if span else "") for name, span in table.items() if f"{module}.{name}" not in known
        )
        for module, table in sources["names"].items()
    }
    return {
        "as_of": loads["as_of"],
        "sources": ["facts/torch_sources.json"],
        "read": sources["releases"],
        "read_with_stubs": sources["releases_with_stubs"],
        "modules": sources["modules"],
        "names": {module: text for module, text in modules.items() if text},
    }


def operators(loads: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """Functions that TorchScript calls and not all releases have."""
    return {
        "as_of": loads["as_of"],
        "sources": ["facts/torch_sources.json"],
        "read": sources["releases_with_operators"],
        "operators": {name: span for name, span in sources["operators"].items() if name not in loads["jit_builtins"]},
    }


def build() -> dict[str, str]:
    """File name → text of every table."""
    facts = ROOT / "facts"
    serialization = yaml.safe_load((facts / "torch_serialization.yaml").read_text(encoding="utf-8"))
    loads = yaml.safe_load((facts / "torch_loading.yaml").read_text(encoding="utf-8"))
    sources = json.loads((facts / "torch_sources.json").read_text(encoding="utf-8"))
    need(sources["releases"] == sorted(sources["releases"], key=order), "releases read are out of order")
    made = {
        "torch_loading": loading(serialization, loads, sources),
        "torch_names": names(known_names(serialization, loads), loads, sources),
        "torch_operators": operators(loads, sources),
    }
    return {f"{name}.json": json.dumps(table, separators=(",", ":")) + "\n" for name, table in made.items()}


def main() -> None:
    """Write the tables, or say which are out of date."""
    parser = argparse.ArgumentParser(description="Build the tables of the load prediction.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a table is out of date")
    check = parser.parse_args().check
    stale = []
    for name, text in build().items():
        path = TABLES / name
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not check:
            path.write_text(text, encoding="utf-8")
            print(f"{name}: {len(text):,} bytes")
    sys.exit(f"out of date: {', '.join(stale)}" if stale else 0)


if __name__ == "__main__":
    main()

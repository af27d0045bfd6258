"""Build the compatibility tables from the sourced facts: `python scripts/build_compat_tables.py [--check]`.

`facts/*.yaml` is what people edit, each statement with its source. This script validates it and writes
`src/modeldoctor/tables/{compat,gpus,containers,ecosystem,web}.json`, compact and quick to load. `--check` writes
nothing and fails when a table is out of date.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "src" / "modeldoctor" / "tables"
VARIANT = re.compile(r"cu\d{2,3}|cpu|rocm[\d.]+|xpu")
CAPABILITY = re.compile(r"\d{1,2}\.\d")


class FactError(ValueError):
    """A fact that cannot be true as it is written."""


def need(condition: object, message: str) -> None:
    """Stop with a message when a fact fails its check."""
    if not condition:
        raise FactError(message)


def version(text: object) -> str:
    """A version as written, checked; a YAML float such as 2.10 has already lost its zero and is refused."""
    need(isinstance(text, str), f"{text!r} must be quoted")
    Version(str(text))
    return str(text)


def specifier(text: str | None) -> str:
    """A requirement on a version; `any` and nothing are the empty one."""
    text = (text or "").strip()
    if text == "any":
        return ""
    # `>=1.7.*` stands in old METADATA; it means `>=1.7`.
    text = re.sub(r"(>=\s*[\d.]+)\.\*", r"\1", text)
    SpecifierSet(text)
    return text


def dropped(row: dict[str, Any]) -> dict[str, Any]:
    """Without fields that say nothing."""
    return {key: value for key, value in row.items() if value not in (None, [], "", {})}


# --------------------------------------------------------------------------- compat


def releases(facts: dict[str, Any]) -> dict[str, Any]:
    """The torch releases, oldest first."""
    rows = {}
    for row in sorted(facts["torch"], key=lambda row: Version(row["version"])):
        need(row.get("source"), f"torch {row['version']} has no source")
        need(row["python"] == sorted(row["python"], key=_python_key), f"torch {row['version']}: Python out of order")
        rows[version(row["version"])] = dropped(
            {
                "released": row["released"],
                "cuda": ".".join(row["default_cuda"].split(".")[:2]),
                "python": row["python"],
                "manylinux": row["linux_x86_64_tag"],
                "cxx11_abi": row.get("cxx11_abi"),
                "numpy2": "not on Windows" if row.get("numpy2_ok_windows") is False else row["numpy2_ok"],
                "sm": row.get("default_wheel_sm"),
                "triton": row.get("triton"),
                "cudnn": row.get("cudnn"),
                "nccl": row.get("nccl"),
                "setuptools": row.get("setuptools", "").replace("any", ""),
                "typing_extensions": row.get("typing_extensions"),
                "pkg_resources": row.get("cpp_extension_imports_pkg_resources"),
                "source": row["source"],
            }
        )
    need(list(rows)[-1] == facts["meta"]["newest_torch"], "newest_torch is not the newest row")
    return rows


def _python_key(text: str) -> tuple[int, int, bool]:
    major, minor = text.rstrip("t").split(".")
    return int(major), int(minor), text.endswith("t")


def variants(facts: dict[str, Any]) -> dict[str, Any]:
    """Which CUDA builds each minor release has."""
    rows = {}
    for row in facts["cuda_variants"]:
        need(row.get("source"), f"variants of {row['torch']} have no source")
        for name in row["cuda"] + row.get("unsure", []):
            need(VARIANT.fullmatch(name), f"{name!r} is no variant")
        rows[row["torch"]] = dropped({key: row.get(key) for key in ("cuda", "unsure", "rocm", "source")})
    return rows


def architectures(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Which GPU code each build holds, by range of minor releases and CUDA version."""
    rows = []
    for row in facts["built_architectures"]:
        need(row.get("source"), f"architectures of {row['torch']} have no source")
        first, _, last = row["torch"].partition("-")
        fields = {key: row.get(key) for key in ("sm", "ptx", "unsure_ptx", "unsure", "source")}
        fields = {"from": first, "to": last or first, "aarch64": row.get("sm_aarch64"), **fields}
        rows.extend(dropped({"cuda": cuda, **fields}) for cuda in re.findall(r"\d+\.\d", row["cuda"]))
    return sorted(rows, key=lambda row: (Version(row["from"]), Version(row["cuda"])))


def companions(rows: Iterable[dict[str, Any]], torch: str = "torch") -> dict[str, list[str]]:
    """Versions of a package: date (where known), what each asks of torch and of Python, and what else is known."""
    found = {}
    for row in rows:
        found[version(row["version"])] = [
            row.get("released", ""),
            specifier(row.get(torch)),
            specifier(row.get("requires_python")),
            *([{key: row[key] for key in ("works", "cuda") if key in row}] if {"works", "cuda"} & set(row) else []),
        ]
    return found


def drivers(facts: dict[str, Any]) -> dict[str, Any]:
    """Driver floors by CUDA major, and the driver each toolkit came with."""
    rules = facts["driver_rules"]
    floors: dict[str, dict[str, str]] = {}
    for row in rules["minor_version_floor_linux"]:
        floors.setdefault(str(row["cuda_major"]), {})["linux"] = row["exact"]
    for row in rules["minor_version_floor_windows"]:
        floors.setdefault(str(row["cuda_major"]), {})["windows"] = row["driver"]
    toolkits = {}
    for row in rules["toolkit_driver_table"]:
        name = re.match(r"\d+\.\d", row["toolkit"])
        need(name, f"{row['toolkit']!r} is no toolkit")
        toolkits[name.group()] = dropped({"linux": row.get("linux"), "windows": row.get("windows")})
    return {"floors": floors, "toolkits": toolkits, "source": rules["source"]}


def compat(facts: dict[str, Any]) -> dict[str, Any]:
    """`compat.json`."""
    return {
        "as_of": facts["meta"]["collected"],
        "releases": releases(facts),
        "variants": variants(facts),
        "archs": architectures(facts),
        "companions": {name: companions(rows) for name, rows in facts["companions"].items()},
        "numpy_python": {
            row["numpy"]: [row["latest"], specifier(row["requires_python"])] for row in facts["numpy_python"]
        },
        "platform_wheels": facts["platform_wheels"],
        "glibc": {name: row["glibc"] for row in facts["glibc"] for name in [row["os"], *row.get("names", [])]},
        "os_python": {row["os"]: row["python"] for row in facts["python_of_os"]},
        "drivers": drivers(facts),
        "sources": {row["id"]: row["source"] for key in ("companion_rules", "platform_rules") for row in facts[key]},
    }


# --------------------------------------------------------------------------- the others


def gpus(facts: dict[str, Any]) -> dict[str, Any]:
    """`gpus.json`: GPUs by name, and cloud machines with theirs."""
    rows = {}
    for row in facts["gpus"]:
        need(CAPABILITY.fullmatch(row["compute_capability"]), f"{row['name']}: capability")
        rows[row["name"]] = dropped(
            {
                "capability": row["compute_capability"],
                "memory_gb": row.get("memory_gb"),
                "reported_mib": row.get("reported_mib"),
                "arch": row["arch"],
                "class": row["class"],
                "aliases": row.get("aliases"),
                "source": row.get("mib_source"),
                "note": row.get("note"),
            }
        )
    cloud = facts["cloud"]
    aws = {
        row["type"]: [
            row["gpu"],
            row["count"],
            row.get("gpu_mib_each") or row["gpu_gb_each"] * 1024,
            row.get("vcpu"),
            row.get("host_mib"),
        ]
        for row in cloud["aws"]["extra"] + cloud["aws"]["instances"]
    }
    return {
        "as_of": facts["meta"]["collected"],
        "gpus": rows,
        "aws": aws,
        "gcp": {row["id"]: [row["gpu"], row["memory_gb"]] for row in cloud["gcp"]["accelerators"]},
        "azure": [[row["pattern"], row["gpu"], row["memory_gb"]] for row in cloud["azure"]["series"]],
        "sources": {
            "capability": facts["meta"]["capability_source"],
            "memory": facts["meta"]["memory_source"],
            "aws": cloud["aws"]["source"],
            "gcp": cloud["gcp"]["source"],
            "azure": cloud["azure"]["source"],
        },
    }


def containers(facts: dict[str, Any]) -> dict[str, Any]:
    """`containers.json`: tag grammars, and what is known of single images."""
    for row in facts["grammars"]:
        pattern = re.compile(row["regex"])
        for example in row["examples"]:
            need(pattern.search(example), f"{row['image']}: {example!r} does not match")
    aws = facts["aws_images"]
    return {
        "as_of": facts["meta"]["collected"],
        "grammars": {row["image"]: row["regex"] for row in facts["grammars"]},
        "aws": [
            dropped({key: row.get(key) for key in ("repo", "torch", "transformers", "py", "cuda")})
            for row in aws["rows"]
        ],
        "ngc": {
            row["tag"]: dropped({key: row.get(key) for key in ("torch", "cuda", "python", "source")})
            for row in facts["ngc_pytorch"]["rows"]
        },
        "torchserve": {
            row["torchserve"]: dropped({"torch": row["torch"], "java": row["java"], "gpu_base": row.get("gpu_base")})
            for row in facts["torchserve"]["releases"]
        },
        "sources": {
            **{row["image"]: row["source"] for row in facts["grammars"]},
            "aws": aws["source"],
            "torchserve": facts["torchserve"]["source"],
        },
    }


def ecosystem(facts: dict[str, Any]) -> dict[str, Any]:
    """`ecosystem.json`: what packages ask of torch; `exact` ones fail with any other, `floor` ones do not install."""
    tables: dict[str, Any] = {
        "as_of": facts["meta"]["collected"],
        "source": facts["meta"]["source"],
        "exact": {},
        "floor": {},
        "also": {},
    }
    for kind in ("exact", "floor"):
        for name, rows in facts[kind].items():
            column = "torch_extra" if name == "transformers" else "torch"
            tables[kind][name] = companions(rows, column)
            also = {
                row["version"]: {
                    other: specifier(row[other])
                    for other in ("torchvision", "torchaudio", "xformers", "transformers", "numpy", "safetensors")
                    if specifier(row.get(other)) not in ("", ">=1.17", ">=1.17.2")
                }
                for row in rows
            }
            tables["also"][name] = {key: value for key, value in also.items() if value}
    tables["also"] = dropped(tables["also"])
    return tables


def web(facts: dict[str, Any]) -> dict[str, Any]:
    """`web.json`: removed names, pairs that fail together, Python floors."""
    for row in facts["removed"] + facts["appeared"]:
        version(row["since"])
    for row in facts["needs"]:
        SpecifierSet(row["versions"])
        SpecifierSet(row["works"])
    return {
        "as_of": facts["meta"]["collected"],
        **{key: facts[key] for key in ("removed", "appeared", "needs", "python")},
    }


BUILDERS = {"compat": compat, "gpus": gpus, "containers": containers, "ecosystem": ecosystem, "web": web}


def build(name: str, folder: Path) -> str:
    """The text of one table."""
    facts = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    table = BUILDERS[name](facts)
    # One line per top key: small, and a change shows in a diff as the part that it concerns.
    lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in table.items()]
    return "{" + ",\n".join(lines) + "}\n"


def main() -> int:
    """Write or check the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--facts", type=Path, default=ROOT / "facts", help="folder of the YAML facts")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a table is out of date")
    options = parser.parse_args()
    stale = []
    for name in BUILDERS:
        path = TABLES / f"{name}.json"
        text = build(name, options.facts)
        if not options.check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        print(f"out of date: {', '.join(stale)}; run python scripts/build_compat_tables.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

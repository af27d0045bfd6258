#!/usr/bin/env python3
"""Build `src/modeldoctor/tables/memory.json` from `facts/memory.yaml`.

Usage: python scripts/build_memory_table.py [--check]

The YAML holds every constant with its source; the table what the estimate reads. `--check` writes nothing and fails
when the table is out of date.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
FACTS = ROOT / "facts" / "memory.yaml"
TABLE = ROOT / "src" / "modeldoctor" / "tables" / "memory.json"


def triple(row: Any, name: str) -> list[int]:
    """`[low, likely, high]`, checked to be in order."""
    values = row["triple"] if isinstance(row, dict) else row
    if len(values) != 3 or not values[0] <= values[1] <= values[2]:
        sys.exit(f"{name}: {values} is no low, likely, high")
    return list(values)


def build(facts: dict[str, Any]) -> dict[str, Any]:
    """What the estimate reads."""
    allocator, context = facts["allocator"], facts["non_tensor_per_process"]
    return {
        "as_of": facts["date"],
        "allocator": {
            name: allocator[name]["value"]
            for name in ("min_block", "small_size_max", "small_segment", "mid_range_max_exclusive", "large_segment",
                         "round_large")
        },
        "allocator_source": allocator["min_block"]["source"],
        "cublas": {
            "default": facts["cublas_workspace"]["default"]["value"],
            "sm90": facts["cublas_workspace"]["sm90"]["value"],
            "lt": facts["cublas_workspace"]["cublaslt_default"]["value"],
            "source": facts["cublas_workspace"]["default"]["source"],
        },
        "context": {
            name: triple(context[name], name) for name in ("cuda_ge_11_7_lazy", "cuda_lt_11_7_or_eager")
        },
        "context_hopper_high": context["hopper_or_newer_high"]["value"],
        "context_status": "published",
        "context_source": ", ".join(context["cuda_ge_11_7_lazy"]["sources"]),
        "driver": {**{name: triple(facts["driver_reserve"], "driver_reserve") for name in ("bytes",)},
                   "source": facts["driver_reserve"]["source"]},
        "nccl": {"bytes": triple(facts["nccl_per_process"], "nccl"), "source": facts["nccl_per_process"]["source"]},
        "host": {
            name: triple(facts["host"][name], name) for name in ("torch_private", "torch_files", "cuda_process")
        },
        "shm_default": facts["host"]["shm_default"]["value"],
        "cudnn_high": facts["cudnn"]["workspace_bytes"]["triple"][2],
        "grad_over_no_grad": [facts["grad_factor"][end] for end in ("low", "likely", "high")],
        "disks": {name: row["value"] for name, row in facts["planning_rates_mb_s"].items() if isinstance(row, dict)},
        "loader_mb_s": facts["loader_mb_s"]["value"],
        "init_parameters_s": facts["module_init_parameters_s"]["value"],
        "import_torch_s": triple(facts["import_torch_s"], "import_torch_s"),
        "timeouts_s": {name: row["value"] for name, row in facts["timeouts_s"].items()},
    }  # fmt: skip


def main() -> int:
    """Write or check the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the table is out of date")
    options = parser.parse_args()
    table = build(yaml.safe_load(FACTS.read_text(encoding="utf-8")))
    lines = [f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in table.items()]
    text = "{" + ",\n".join(lines) + "}\n"
    if not options.check:
        TABLE.write_text(text, encoding="utf-8")
    elif TABLE.read_text(encoding="utf-8") != text:
        print("out of date: memory; run python scripts/build_memory_table.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

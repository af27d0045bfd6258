#!/usr/bin/env python3
"""The memory estimate against published and measured figures.

Usage: python benchmarks/accuracy/memory.py [--cases FILE] [--only TEXT] [--loads MIB] [--activations] [--exact DIR...]

`--cases` (default: `memory_cases.yaml` beside this) is a list of cases. Each has a `source`, a model, how it is served,
what was measured and the figures:

    cases:
    - name: Qwen2.5-7B                       # for the report
      source: where the figure was published
      config: {model_type: qwen2, …}         # config.json; or `file: PATH` of a checkpoint or folder,
                                             # or `trace: module:factory` with `input: [1x3x224x224]`
      total_size: 15231233024                # optional, with `config`: bytes of the weights, as an index has them
      serving: {context: 8192, batch: 1}     # options of `fit` by their names: prompt, dtype, load, gpu, gpus, place,
                                             # workers, attention, logits, transformers, torch, cuda, grad, copies, threads, kv_dtype
      measures: allocated                    # see MEASURES
      unit: GiB                              # B, MB, MiB, GB, GiB
      measured: 16.91                        # its last digit bounds its precision
      rows: [{serving: {…}, measured: 19.97}]  # instead of `measured`: several, each merged into the case

Prints predicted low, likely and high, the measured figure, the error of `likely`, and whether the range holds; exits
with 1 when it holds for fewer than 95 %. `--loads MIB` measures the ways of loading on this machine (load_styles.py),
`--activations` a forward pass of several networks on CPU against their trace and their exported graph, `--exact DIR…`
the storage bytes of every checkpoint below the folders against what torch allocates, `--others` what other tools and
rules of thumb say of the cases of 16-bit decoders on one GPU.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from modeldoctor.facts.checkpoint import Checkpoint, Shards
from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.memory import Memory, Need, Term
from modeldoctor.fitting import serving_of
from modeldoctor.predict.memory.estimate import Given, estimate
from modeldoctor.probe.run import run_trace
from modeldoctor.readers.model_sizes import read_model

HERE = Path(__file__).parent
UNITS = {"B": 1, "MB": 10**6, "GB": 10**9, "MiB": 1 << 20, "GiB": 1 << 30}
OPTIONS = (
    "gpu_memory",
    "gpus",
    "context",
    "prompt",
    "batch",
    "dtype",
    "kv_dtype",
    "load",
    "host_memory",
    "timeout",
    "attention",
    "logits",
    "transformers",
)
DEFAULTS = {
    **dict.fromkeys(OPTIONS), "place": "first", "workers": 1, "copies": 1, "threads": 1, "grad": False,
}  # fmt: skip
_ALLOCATED = ("weights", "KV cache", "activations", "position tables", "cuBLAS workspace", "extra while loading")
# Which terms a figure is made of. Those of the GPU are of one process, summed over the GPUs of a split model.
MEASURES = {
    "weights": ("weights",),
    "kv": ("KV cache",),
    "activations": ("activations",),
    "weights+kv+activations": ("weights", "KV cache", "activations"),
    "allocated": _ALLOCATED,  # torch.cuda.max_memory_allocated
    "reserved": (*_ALLOCATED, "allocator slack"),  # torch.cuda.max_memory_reserved
    "process": (*_ALLOCATED, "allocator slack", "CUDA context", "NCCL buffers"),  # nvidia-smi, one process
    "device": None,  # nvidia-smi, all of the GPU
    "host": None,  # private memory of the host, at its peak
    "host steady": None,
    "host model": ("model in host memory", "extra while loading"),  # the peak above `import torch`
    "kv per token": (),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=str(HERE / "memory_cases.yaml"))
    parser.add_argument("--only", default="")
    parser.add_argument("--loads", type=int, metavar="MIB")
    parser.add_argument("--activations", action="store_true")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--exact", nargs="*", metavar="DIR")
    options = parser.parse_args()
    held = compare(options.cases, options.only)
    if options.others:
        others(options.cases)
    if options.loads:
        sys.path.insert(0, str(HERE))
        import load_styles

        print("\nways of loading, measured now")
        load_styles.report(load_styles.run(options.loads))
    if options.activations:
        activations()
    if options.exact is not None:
        exact(options.exact or [str(HERE.parent.parent / "fixtures" / "checkpoints")])
    return 0 if held >= 0.95 else 1


# --------------------------------------------------------------------------- cases


def compare(path: str, only: str) -> float:
    """Print every case; the part of them whose range holds."""
    errors: dict[str, list[float]] = {}
    held: Counter[str] = Counter()
    rows = [row for case in yaml.safe_load(Path(path).read_text(encoding="utf-8"))["cases"] for row in spread(case)]
    rows = [row for row in rows if only in row["name"]]
    if not rows:
        print("no case")
        return 1.0
    print(f"{'case':46} {'measures':12} {'low':>9} {'likely':>9} {'high':>9} {'measured':>9} {'error':>7}  range")
    for row in rows:
        unit = UNITS[row.get("unit", "GiB")]
        low, likely, high = predict(row)
        measured = float(row["measured"]) * unit
        digits = len(str(row["measured"]).partition(".")[2])
        slack = 0.5 * 10**-digits * unit
        holds = low - slack <= measured and (high is None or measured <= high + slack)
        error = None if likely is None else likely / measured - 1
        group = row["measures"]
        errors.setdefault(group, [])
        errors[group] += [] if error is None else [abs(error)]
        held[group, holds] += 1
        cells = "".join(f" {'?' if value is None else f'{value / unit:.3f}':>9}" for value in (low, likely, high))
        shown = "?" if error is None else f"{error:+.1%}"
        print(
            f"{row['name'][:46]:46} {group[:12]:12}{cells} {measured / unit:9.3f} {shown:>7}  {'holds' if holds else 'MISSES'}"
        )
    print()
    for group, each in errors.items():
        yes, no = held[group, True], held[group, False]
        told = f"mean error {statistics.mean(each):.2%}, worst {max(each):.2%}" if each else "likely not known"
        print(f"{group:24} {yes + no:4} cases, range holds for {yes / (yes + no):.1%}; {told}")
    yes = sum(number for (_, holds), number in held.items() if holds)
    print(f"{'all':24} {len(rows):4} cases, range holds for {yes / len(rows):.1%}")
    return yes / len(rows)


def spread(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The case, once for each of its rows."""
    for number, row in enumerate(case.get("rows") or [{}]):
        merged = {**{key: value for key, value in case.items() if key != "rows"}, **row}
        merged["config"] = {**case["config"], **row.get("config", {})} if "config" in case else None
        merged["serving"] = {**case.get("serving", {}), **row.get("serving", {})}
        told = ", ".join(
            f"{value}"
            for value in {**row.get("config", {}).get("quantization_config", {}), **row.get("serving", {})}.values()
        )
        merged["name"] = row.get("name") or (
            f"{case['name']} {told}" if case.get("rows") else case.get("name", str(number))
        )
        yield merged


def predict(case: dict[str, Any]) -> tuple[int, int | None, int | None]:
    """Low, likely and high of what was measured."""
    serving = {**DEFAULTS, **case["serving"]}
    versions = {name: Value(str(serving.pop(name)), "case") for name in ("torch", "cuda") if name in serving}
    gpus = serving.pop("gpu", "a100-80")
    names = () if gpus == "none" else tuple(Value(name, "case") for name in gpus.split())
    found_serving = serving_of(Target(**versions, gpus=names), serving)
    trace = None
    if "trace" in case:
        os.environ["PYTHONPATH"] = str(HERE.parent / "gpu")
        trace = run_trace(case["trace"], tuple(case["input"]), None, 120, grad=bool(serving["grad"]))
        if case["serving"].get("batch") is None:
            found_serving = found_serving._replace(batch=trace.batch)
    found = estimate(subject(case), found_serving, Given(None, trace))
    return measure(found, case["measures"])


def subject(case: dict[str, Any]) -> Checkpoint:
    if case.get("file"):
        return read_model(case["file"], case["file"])
    shards = None
    if case.get("total_size"):
        shards = Shards(
            "model.safetensors.index.json", (("model.safetensors", 1),), ("model.safetensors",), case["total_size"]
        )
    return Checkpoint(case["name"], "model-folder", "case", "understood", 0, config=case["config"], shards=shards)


def measure(found: Memory, measures: str) -> tuple[int, int | None, int | None]:
    if measures == "kv per token":
        each = found.kv_bytes_per_token or 0
        return each, each, each
    if measures in {"host", "host steady"}:
        need = found.host if measures == "host" else found.steady
        return need.total.low, need.total.likely, need.total.high
    if measures == "host model":
        return add(terms(found.host, MEASURES[measures]))
    used = [need for need in found.devices if need.processes]
    if found.serving.placement != "split":
        used = used[:1]
    return add([term for need in used for term in terms(need, MEASURES[measures])])


def terms(need: Need, names: tuple[str, ...] | None) -> list[Term]:
    """The terms of one process; all terms of the GPU when no names are given."""
    return list(need.terms) if names is None else [term for term in need.each if term.term in names]


def add(found: list[Term]) -> tuple[int, int | None, int | None]:
    low = sum(term.low for term in found)
    likely = None if any(term.likely is None for term in found) else sum(term.likely or 0 for term in found)
    high = None if any(term.high is None for term in found) else sum(term.high or 0 for term in found)
    return low, likely, high


# --------------------------------------------------------------------------- other tools


def formulas(config: dict[str, Any], prompt: int, tokens: int) -> dict[str, float]:
    """What each would say, in bytes, by its published formula; all are given the true number of parameters.

    accelerate: src/accelerate/commands/estimate.py (2026-07): the bytes of the weights; its docs add up to 20 % for
    inference. hf-mem 2026-06: weights, and with `--experimental` keys and values of all layers. EleutherAI cookbook
    calc/calc_transformer_mem.py@069ae2ef --infer: 34 bytes x sequence x hidden for one layer, and a cache of
    2 bytes x hidden x layers x tokens.
    """
    found = estimate(subject({"name": "x", "config": config}), serving_of(Target(), {**DEFAULTS, "context": tokens}))
    weights, hidden, layers = found.weights_bytes, config["hidden_size"], config["num_hidden_layers"]
    head_dim = hidden // config["num_attention_heads"]
    cache = 2 * layers * config["num_key_value_heads"] * head_dim * tokens * 2
    return {
        "accelerate estimate-memory": weights,
        "accelerate + 20 %": 1.2 * weights,
        "hf-mem --experimental": weights + cache,
        "EleutherAI calc_transformer_mem": weights + 34 * prompt * hidden + 2 * hidden * layers * tokens,
        "2 bytes x parameters x 1.2": 2.4 * found.parameters,
    }


def others(path: str) -> None:
    """Mean and worst error over the published cases of 16-bit decoders on one GPU, and our own on the same."""
    errors: dict[str, list[float]] = {}
    rows = [row for case in yaml.safe_load(Path(path).read_text(encoding="utf-8"))["cases"] for row in spread(case)]
    for row in rows:
        serving = row["serving"]
        if row["measures"] != "allocated" or not serving.get("prompt") or "gpus" in serving:
            continue
        if "quantization_config" in row["config"]:
            continue
        measured = float(row["measured"]) * UNITS[row["unit"]]
        said: dict[str, float] = formulas(row["config"], serving["prompt"], serving["context"])
        said["modeldoctor fit"] = predict(row)[1] or 0
        for name, value in said.items():
            errors.setdefault(name, []).append(value / measured - 1)
    print(
        f"\n{'on ' + str(len(next(iter(errors.values())))) + ' cases':32} {'mean error':>10} {'lowest':>8} {'highest':>8}"
    )
    for name, each in errors.items():
        print(f"{name:32} {statistics.mean(map(abs, each)):10.1%} {min(each):+8.1%} {max(each):+8.1%}")


# --------------------------------------------------------------------------- activations, measured here


def activations() -> None:
    """A forward pass on CPU, by the allocations that the profiler sees, against the trace and the exported graph."""
    import torch

    sys.path.insert(0, str(HERE.parent / "gpu"))
    os.environ["PYTHONPATH"] = str(HERE.parent / "gpu")
    import architectures

    from modeldoctor.facts.memory import Serving
    from modeldoctor.predict.memory.activations import graph_term, trace_term
    from modeldoctor.readers.export_graph import read_graph

    print(f"\nactivations on CPU, torch {torch.__version__}: MB; real is the peak of the profiler's allocations")
    print(
        f"{'network':16} {'batch':>5} {'real':>8}   {'trace: low':>10} {'likely':>8} {'high':>8} {'holds':>6}   {'graph: low':>10} {'high':>8} {'holds':>6}"
    )
    for name, (factory, spec, batches) in architectures.NETWORKS.items():
        for batch in batches:
            shape = f"{batch}x{spec}"
            real = real_peak(torch, factory(), shape)
            trace = run_trace(f"architectures:{factory.__name__}", (shape,), None, 120)
            term = trace_term(trace, Serving(batch=batch), 1.0)
            graph = None
            if batch == batches[0]:
                with tempfile.TemporaryDirectory() as folder:
                    path = f"{folder}/net.pt2"
                    program = torch.export.export(factory().eval(), (example(torch, shape),))
                    torch.export.save(program, path)
                    graph = graph_term(read_graph(path), Serving(batch=batch), 1.0)
            cells = " ".join(f"{'?' if v is None else f'{v / 1e6:.2f}':>8}" for v in (term.low, term.likely, term.high))
            holds = term.low <= real * 1.001 and (term.high is None or real <= term.high)
            told = ""
            if graph:
                fits = graph.low <= real * 1.001 and (graph.high is None or real <= graph.high)
                high = "?" if graph.high is None else f"{graph.high / 1e6:.2f}"
                told = f"   {graph.low / 1e6:10.2f} {high:>8} {'yes' if fits else 'NO':>6}"
            print(f"{name:16} {batch:5} {real / 1e6:8.2f}     {cells} {'yes' if holds else 'NO':>6}{told}")


def example(torch: Any, shape: str) -> Any:
    sizes, _, dtype = shape.partition(":")
    return torch.zeros([int(size) for size in sizes.split("x")], dtype=getattr(torch, dtype or "float32"))


def real_peak(torch: Any, model: Any, shape: str) -> int:
    """The most bytes that one pass holds on the CPU, its inputs included."""
    model.eval()
    value = example(torch, shape)
    with torch.no_grad():
        model(value)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            result = model(value)
    del result
    now = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            peak = max(peak, now)
    return peak + value.nbytes


# --------------------------------------------------------------------------- exact bytes


def exact(folders: list[str]) -> None:
    """Every checkpoint that torch loads here: the bytes of its unique storages against `storage_bytes`."""
    import logging
    import warnings

    from modeldoctor.readers.checkpoint import read_checkpoint

    warnings.simplefilter("ignore")
    logging.disable()
    counts: Counter[str] = Counter()
    for folder in folders:
        sys.path[:0] = [folder, str(Path(folder).parent / "tools")]
        for path in sorted(Path(folder).rglob("*")):
            if not path.is_file() or path.suffix not in {".pt", ".pth", ".pt2", ".ckpt", ".safetensors"}:
                continue
            try:
                loaded = load(path)
            except Exception:  # noqa: BLE001 - what torch refuses allocates nothing to compare with
                counts["not loaded by this torch"] += 1
                continue
            found = read_checkpoint(str(path), str(path))
            if found.state != "understood":
                counts["loaded, and not understood by us"] += 1
                print(f"not understood  {path}: {found.title}")
                continue
            real, ours = allocated(loaded), found.anatomy.storage_bytes
            counts["equal" if real == ours else "different"] += 1
            if real != ours:
                print(f"different  {path}: torch {real:,}, here {ours:,}")
    print("\nstorage bytes:", ", ".join(f"{number} {name}" for name, number in counts.items()))


def load(path: Path) -> Any:
    import torch

    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    try:
        return torch.load(path, weights_only=False, map_location="cpu")
    except Exception:  # noqa: BLE001 - programs have loaders of their own
        if path.suffix == ".pt2":
            return torch.export.load(path)
        return torch.jit.load(path, map_location="cpu")


def allocated(value: Any) -> int:
    """Bytes of the storages that are reachable, each once."""
    import torch

    storages: dict[int, int] = {}
    seen: set[int] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, torch.Tensor):
            for part in parts(item):
                storages[part._cdata] = part.nbytes()
            if item.is_quantized and item.qscheme() in {torch.per_channel_affine, torch.per_channel_symmetric}:
                pending += [item.q_per_channel_scales(), item.q_per_channel_zero_points()]
            pending += [item.grad] if item.is_leaf and item.grad is not None else []
            pending += list(getattr(item, "__dict__", {}).values())
        elif isinstance(item, torch.storage.UntypedStorage):
            storages[item._cdata] = item.nbytes()
        elif isinstance(item, torch.storage.TypedStorage):
            storages[item._untyped_storage._cdata] = item._untyped_storage.nbytes()
        elif isinstance(item, torch.export.ExportedProgram):
            pending += [*item.state_dict.values(), *item.constants.values()]
        elif isinstance(item, torch.jit.ScriptModule):
            pending += [*item.parameters(), *item.buffers()]
            pending += [
                getattr(m, n) for m in item.modules() for n, v in vars(m).items() if isinstance(v, torch.Tensor)
            ]
        elif isinstance(item, dict):
            pending += [*item.keys(), *item.values()]
        elif isinstance(item, (list, tuple, set, frozenset)):
            pending += list(item)
        elif hasattr(item, "__dict__") and not isinstance(item, type):
            pending += list(vars(item).values())
    return sum(storages.values())


def parts(tensor: Any) -> list[Any]:
    """The storages of a tensor; those of its parts where it is sparse."""
    import torch

    if "Uninitialized" in type(tensor).__name__ or tensor.is_meta:
        return []
    if tensor.layout == torch.sparse_coo:
        inner = [tensor._indices(), tensor._values()]
    elif tensor.layout in {torch.sparse_csr, torch.sparse_bsr}:
        inner = [tensor.crow_indices(), tensor.col_indices(), tensor.values()]
    elif tensor.layout in {torch.sparse_csc, torch.sparse_bsc}:
        inner = [tensor.ccol_indices(), tensor.row_indices(), tensor.values()]
    else:
        return [tensor.untyped_storage()]
    return [each.untyped_storage() for each in inner]


if __name__ == "__main__":
    sys.exit(main())

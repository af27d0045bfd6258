"""Who wrote the file, and with which release: a range, with the mark that each bound rests on.

torch does not record its version. Bounds are series (`2.6` stands for 2.6.0 and what followed in it). They were
measured with the releases 1.4.0, 1.7.1, 1.10.2, 1.12.1, 1.13.1 and the last of each series from 2.0 to 2.15: where
the last release without a mark and the first with it are not neighbours, the bound is the widest that agrees.
"""

import re
from collections.abc import Iterator
from typing import Any

from modeldoctor.facts.checkpoint import Checkpoint, Evidence
from modeldoctor.readers.checkpoint.pickle_values import items_of

# Names in a pickle → (what, low, high).
_GLOBALS: dict[str, tuple[str, str | None, str | None]] = {
    "torch._utils._rebuild_parameter_with_state": ("torch", "2.0", None),
    "torch._utils._rebuild_tensor_v3": ("torch", "2.2", None),
    "torch._utils._rebuild_nested_tensor": ("torch", "2.2", None),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": ("torch", "2.6", None),
    "torch._utils._rebuild_device_tensor_from_numpy": ("torch", "1.8", None),
    "torch._utils._rebuild_meta_tensor_no_storage": ("torch", "1.8", None),
    "torch._utils._rebuild_wrapper_subclass": ("torch", "1.11", None),
    "torch._utils._rebuild_sparse_csr_tensor": ("torch", "1.11", "1.13"),
    "torch._utils._rebuild_mlc_tensor": ("torch", "1.8", "1.11"),
    "torch._tensor._rebuild_from_type_v2": ("torch", "1.8", None),
    "torch._dynamo.eval_frame.OptimizedModule": ("torch", "2.0", None),
    "torch.storage._TypedStorage": ("torch", "1.11", "1.12"),
    "torch.storage._UntypedStorage": ("torch", "1.11", "1.12"),
    "torch.storage.TypedStorage": ("torch", "1.13", None),
    "torch.storage.UntypedStorage": ("torch", "1.13", None),
    "torch.nn.modules.activation.Mish": ("torch", "1.8", None),
    "torch.nn.modules.linear._LinearWithBias": ("torch", "1.5", "1.9"),
    "torch.nn.modules.linear.NonDynamicallyQuantizableLinear": ("torch", "1.8", None),
    "torch.nn.modules.normalization.RMSNorm": ("torch", "2.4", None),
    "torch.nn.parameter.Buffer": ("torch", "2.5", None),
}
# Modules → (what, low, high). NumPy 2 renamed its core; Python 3.13 alone split pathlib (Lib/pathlib/_local.py).
_MODULES: dict[str, tuple[str, str | None, str | None]] = {
    "numpy._core": ("numpy", "2.0", None),
    "numpy.core": ("numpy", None, "1.26"),
    "pathlib._local": ("python", "3.13", "3.13"),
}
# dtypes that could first be saved by a release.
_DTYPES = {
    "float8_e4m3fn": "2.2",
    "float8_e5m2": "2.2",
    "float8_e4m3fnuz": "2.2",
    "float8_e5m2fnuz": "2.2",
    "uint16": "2.6",
    "uint32": "2.6",
    "uint64": "2.6",
    "float8_e8m0fnu": "2.7",
    "float4_e2m1fn_x2": "2.8",
    "bcomplex32": "2.14",
}
# Schema of torch.export → series that writes it (torch/_export/serde/schema.py, SCHEMA_VERSION).
_SCHEMAS = {"5.1": "2.3", "5.3": "2.4", "7.3": "2.5", "8.2": "2.6", "8.7": "2.7", "8.8": "2.8"}
# Keys at the root of a checkpoint under which frameworks note versions.
_VERSION_KEYS = {
    "pytorch-lightning_version": "lightning",
    "transformers_version": "transformers",
    "torch_version": "torch",
    "pytorch_version": "torch",
    "python_version": "python",
    "numpy_version": "numpy",
    "mmcv_version": "mmcv",
    "mmengine_version": "mmengine",
    "timm_version": "timm",
}
_VERSION = re.compile(r"\d+(?:\.\d+)+")
_TORCH_ZIPS = frozenset({"torch-zip", "torchscript", "torch-package", "torch-export"})


def writer(checkpoint: Checkpoint, value: Any = None) -> tuple[Evidence, ...]:
    """All evidence in the facts, and in the root object (`value`) of the pickle."""
    found = [*_container(checkpoint), *_names(checkpoint), *_dtypes(checkpoint), *_noted(value), *_extras(checkpoint)]
    return tuple(found)


def _container(checkpoint: Checkpoint) -> Iterator[Evidence]:
    box = checkpoint.container
    if checkpoint.format == "torch-tar":
        yield Evidence("torch", None, "0.1.12", "a tar of `pickle`, `storages` and `tensors`")
    elif checkpoint.format == "torch-legacy":
        yield Evidence(
            "torch", None, None, "no zip: the default up to 1.5, later `_use_new_zipfile_serialization=False`"
        )
    if box is None or checkpoint.format not in _TORCH_ZIPS:
        return
    if box.byteorder is not None or box.serialization_id is not None:
        yield Evidence("torch", "2.1", None, "has a `byteorder` or `.data/serialization_id` record")
    elif checkpoint.state == "understood":  # of a damaged archive nothing follows from what is missing
        yield Evidence("torch", None, "2.0", "has neither a `byteorder` nor a `.data/serialization_id` record")
    if checkpoint.format == "torch-zip":
        yield from _saved(checkpoint)


def _saved(checkpoint: Checkpoint) -> Iterator[Evidence]:
    """Marks of `torch.save` alone."""
    box = checkpoint.container
    assert box is not None
    first = checkpoint.storages[0] if checkpoint.storages else None
    if first is not None and first.record and f"/tensors/{first.key}" in first.record:
        yield Evidence("torch", "1.4", "1.5", "has its storages below `tensors/`")
        return
    if box.format_version is not None:
        yield Evidence("torch", "2.7", None, "has a `.format_version` record")
        return
    if checkpoint.state == "understood":
        yield Evidence("torch", "1.5", "2.6", "has storages below `data/` and no `.format_version` record")
    if first is None:
        return
    if len(first.key) > 7:  # an address; numbers count the storages
        yield Evidence("torch", None, "1.9", "names its storages by their addresses")
    else:
        yield Evidence("torch", "1.8", None, "numbers its storages")
    if box.root not in {None, "archive"}:
        yield Evidence("torch", "1.13", None, f"its root folder has a name of its own: `{str(box.root)[:60]}`")


def _names(checkpoint: Checkpoint) -> Iterator[Evidence]:
    told: set[str] = set()
    for pickle in checkpoint.pickles:
        if pickle.protocol == 5 and "protocol" not in told:
            told.add("protocol")
            yield Evidence("python", "3.8", None, "has a pickle of protocol 5")
        for found in pickle.globals:
            bounds = _GLOBALS.get(str(found)) or _module(found.module)
            if bounds is None or str(found) in told:
                continue
            told.add(str(found))
            what, low, high = bounds
            yield Evidence(what, low, high, f"the pickle names `{found}`")


def _module(module: str) -> tuple[str, str | None, str | None] | None:
    if module[:6] in {"numpy.", "pathli"}:
        for prefix, bounds in _MODULES.items():
            if module == prefix or module.startswith(f"{prefix}."):
                return bounds
    return None


def _dtypes(checkpoint: Checkpoint) -> Iterator[Evidence]:
    if checkpoint.format not in _TORCH_ZIPS:
        return
    for dtype in dict.fromkeys([tensor.dtype for tensor in checkpoint.tensors]):
        if dtype in _DTYPES:
            yield Evidence("torch", _DTYPES[dtype], None, f"has a tensor of {dtype}")


def _noted(value: Any) -> Iterator[Evidence]:
    """Versions that the framework wrote into its checkpoint."""
    items = items_of(value)
    if items is None:
        return
    meta = items_of(items.get("meta"))  # OpenMMLab: mmengine/runner/runner.py, save_checkpoint
    for mapping in (items, meta):
        for key, text in mapping.pairs() if mapping is not None else ():
            what = _VERSION_KEYS.get(key) if type(key) is str else None
            found = _VERSION.match(text) if what and type(text) is str else None
            if what and found:
                yield Evidence(what, found[0], found[0], f"the checkpoint notes `{key}` {found[0]}")
    version = items.get("version")
    if items.get("train_args") is not None and type(version) is str and (found := _VERSION.match(version)):
        # ultralytics/engine/trainer.py, save_model
        yield Evidence("ultralytics", found[0], found[0], f"the checkpoint notes `version` {found[0]}")


def _extras(checkpoint: Checkpoint) -> Iterator[Evidence]:
    """What torch.export and torch.package write down, and the configuration of a model folder."""
    extras = dict(checkpoint.extras)
    for key, what in (("torch_version", "torch"), ("python_version", "python")):
        text = extras.get(key)
        if isinstance(text, str) and (found := _VERSION.match(text)):
            yield Evidence(what, found[0], found[0], f"the archive notes `{key}` {found[0]}")
    schema = extras.get("schema_version")
    if isinstance(schema, str) and schema in _SCHEMAS:
        series = _SCHEMAS[schema]
        yield Evidence("torch", series, series, f"has schema {schema} of torch.export")
    noted = (checkpoint.config or {}).get("transformers_version")
    if isinstance(noted, str) and (found := _VERSION.match(noted)):
        yield Evidence("transformers", found[0], found[0], f"`config.json` notes `transformers_version` {found[0]}")

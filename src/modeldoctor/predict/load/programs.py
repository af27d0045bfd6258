"""What is no pickle of Python objects: TorchScript (torch.jit.load), torch.export programs, safetensors."""

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.predict.load.failures import Failure, unknown
from modeldoctor.predict.load.releases import Column, within
from modeldoctor.predict.load.unpickle import Host
from modeldoctor.tables import table

# --------------------------------------------------------------------------- TorchScript


def scripted_fails(checkpoint: Checkpoint, host: Host) -> Failure | None:
    """The code and the attributes of an archive that opens: torch/csrc/jit/serialization/import.cpp."""
    column = host.column
    if not checkpoint.pickles or checkpoint.pickles[0].stopped:
        return unknown("how the C++ reader takes the damaged pickle")
    types = set(checkpoint.extra("types") or ())
    if "NoneType" in types and column.key < (1, 8):
        if checkpoint.extra("string_table"):  # measured: the process ends with SIGABRT while it words the error
            return Failure("process_crash", "", "the process is aborted", "NoneType")
        return Failure("ts_unknown_op_or_type", "RuntimeError", "Unknown type name 'NoneType'", "NoneType")
    data = table("torch_operators")
    for name in checkpoint.extra("operators") or ():
        span = data["operators"].get(name)
        if span is not None and not within(span, column.key):
            text = f"Unknown builtin op: aten::{name}."
            return Failure("ts_unknown_op_or_type", "RuntimeError", text, f"aten::{name}")
    return None


# --------------------------------------------------------------------------- torch.export


def export_fails(checkpoint: Checkpoint, column: Column) -> Failure | None:
    """torch.export.load: torch/export/__init__.py, torch/export/pt2_archive/_package.py, torch/_export of 2.1."""
    if "export" not in column.does:
        text = "module 'torch' has no attribute 'export'"
        return Failure("attribute_missing_in_module", "AttributeError", text, "torch.export")
    if not _is_zip(checkpoint):
        return Failure("zip_damaged", "zipfile.BadZipFile", "File is not a zip file")
    if checkpoint.format != "torch-export":
        container = checkpoint.container
        if container and container.root is None and container.version:  # a `version` at the top, where 2.7 had it
            return _old_layout(container.version, column)
        return _no_program(column)
    if checkpoint.extra("layout") != "before 2.8":
        return _new_layout(checkpoint, column)
    return _old_layout(str(checkpoint.extra("schema_version") or ""), column)


def _is_zip(checkpoint: Checkpoint) -> bool:
    """Whether Python's zipfile opens it: it looks for the end of the archive only."""
    if any(each.member is None and each.kind in {"damaged", "truncated"} for each in checkpoint.problems):
        return False
    return checkpoint.head[:2] == b"PK" or (checkpoint.container is not None and checkpoint.container.kind == "zip")


def _no_program(column: Column) -> Failure:
    if column.key >= (2, 9):
        text = "We ran into an error when deserializing the saved file. Please check the warnings above."
        return Failure("export_version_mismatch", "RuntimeError", text, "version")
    text = "\"There is no item named 'version' in the archive\""
    return Failure("export_version_mismatch", "KeyError", text, "version")


def _new_layout(checkpoint: Checkpoint, column: Column) -> Failure | None:
    """The archive of 2.8 keeps weights in a checkpoint, those since 2.9 in records with a configuration."""
    names = {record.name for record in checkpoint.container.records} if checkpoint.container else set()
    with_records = any(name.endswith("_weights_config.json") for name in names)
    if column.key < ((2, 9) if with_records else (2, 8)):
        return _no_program(column)
    return None


def _old_layout(version: str, column: Column) -> Failure | None:
    schema = column.schema
    if schema is None:  # 2.1 and 2.2: one number
        own = "1" if column.key < (2, 2) else "2"
        if version == own:
            return None
        if not version.isdigit():
            text = f"invalid literal for int() with base 10: b'{version}'"
            return Failure("export_version_mismatch", "ValueError", text, version)
        text = f"Serialized version {version} does not match our current schema version {own}."
        return Failure("export_version_mismatch", "RuntimeError", text, version)
    parts = version.split(".")
    if len(parts) != 2:
        return Failure("export_version_mismatch", "AssertionError", "", version)
    if parts[0] != str(schema[0]):
        text = f"Serialized version {parts} does not match our current schema version {schema}."
        return Failure("export_version_mismatch", "RuntimeError", text, version)
    for wall, field in table("torch_loading")["export_fields"].items():
        since = (int(parts[0]), int(wall.partition(".")[2]))
        if wall.startswith(parts[0] + ".") and schema < since and parts[1].isdigit() and int(parts[1]) >= since[1]:
            text = f"GraphModule.__init__() got an unexpected keyword argument '{field}'"
            return Failure("other", "TypeError", text, version)
    return None


# --------------------------------------------------------------------------- safetensors

# Dtypes that safetensors knows since a release that dropped Python 3.8.
_NEW_DTYPES = frozenset({"float8_e8m0fnu", "float4_e2m1fn_x2", "float6_e2m3", "float6_e3m2", "complex64"})
_HARMLESS = frozenset({"duplicate-member"})


def safetensors_fails(checkpoint: Checkpoint, host: Host) -> Failure | None:
    """safetensors.torch.load_file with the newest release for that Python."""
    problems = [each for each in checkpoint.problems if each.kind not in _HARMLESS]
    if checkpoint.format != "safetensors" or problems:
        text = f"Error while deserializing header: {problems[0].text if problems else 'there is none'}"
        return Failure("safetensors_error", "safetensors_rust.SafetensorError", text, "header")
    dtypes = sorted({storage.dtype for storage in checkpoint.storages})
    if host.python < (3, 9) and (new := [dtype for dtype in dtypes if dtype in _NEW_DTYPES]):
        text = "Error while deserializing header: InvalidHeaderDeserialization"
        return Failure("safetensors_error", "safetensors_rust.SafetensorError", text, new[0])
    names = table("torch_loading")["names"]
    for dtype in dtypes:
        if not within(names.get(f"torch.{dtype}", ""), host.column.key):
            text = f"module 'torch' has no attribute '{dtype}'"
            return Failure("attribute_missing_in_module", "AttributeError", text, f"torch.{dtype}")
    if "frombuffer" not in host.column.does and any(storage.numel for storage in checkpoint.storages):
        text = "module 'torch' has no attribute 'frombuffer'"
        return Failure("attribute_missing_in_module", "AttributeError", text, "torch.frombuffer")
    return None

"""torch.load: open the container, decide who reads it, and go through its pickles. torch/serialization.py, `load`."""

from modeldoctor.facts.checkpoint import Problem
from modeldoctor.predict.load.failures import Failure, unknown, wrapped
from modeldoctor.predict.load.programs import safetensors_fails, scripted_fails
from modeldoctor.predict.load.releases import Column
from modeldoctor.predict.load.steps import File
from modeldoctor.predict.load.unpickle import Host, full, missing, restricted

# Legacy streams: torch/serialization.py, _legacy_load.
_LEGACY_ROLES = ("magic", "protocol", "sys_info", "object", "keys")


def load_fails(file: File, host: Host, *, weights_only: bool, given: bool = False) -> Failure | None:
    """Why torch.load fails, or None. `given`: weights_only is an argument of the call, and not the default."""
    does, mmap = host.column.does, host.mapped
    if "loads_safetensors" in does and file.checkpoint.path.endswith(".safetensors"):
        return safetensors_fails(file.checkpoint, host)
    if file.kind == "zip":
        return _zip_fails(file, host, weights_only, given)
    if mmap and "mmap" in does:
        text = "mmap can only be used with files saved with `torch.save(_use_new_zipfile_serialization=True)`"
        return Failure("mmap_needs_zip", "RuntimeError", text)
    if "reads_tensors_folder" in does and not file.checkpoint.size_bytes:  # measured: torch 1.4 reads one byte at once
        return Failure("other", "TypeError", "ord() expected a character, but string of length 0 found")
    if file.kind == "tar":
        return _tar_fails(file, host, weights_only)
    return _no_parameter(host.column, mmap, given, "load") or _stream_fails(file, host, weights_only)


def _no_parameter(column: Column, mmap: bool, given: bool, where: str) -> Failure | None:
    """Releases without a parameter hand it to the unpickler, which does not know it either."""
    if given and "restricted_loader" not in column.does:
        text = f"'weights_only' is an invalid keyword argument for {where}()"
        return Failure("no_weights_only_parameter", "TypeError", text, "weights_only")
    if mmap and "mmap" not in column.does:
        text = f"'mmap' is an invalid keyword argument for {where}()"
        return Failure("no_mmap_parameter", "TypeError", text, "mmap")
    return None


# --------------------------------------------------------------------------- zip


def archive_fails(file: File, column: Column) -> Failure | None:
    """Why torch cannot open the archive: caffe2/serialize/inline_container.cc, PyTorchStreamReader::init."""
    checkpoint = file.checkpoint
    if damaged := _damage(checkpoint.problems):
        text = "failed finding central directory" if damaged.kind == "truncated" else "invalid header or archive"
        return Failure("zip_damaged", "RuntimeError", f"PytorchStreamReader failed reading zip archive: {text}")
    if "/" not in file.first_member:
        text = f"file in archive is not in a subdirectory: {file.first_member}"
        return Failure("zip_no_top_folder", "RuntimeError", text, file.first_member)
    version = _version(file, column)
    if version is None:
        return Failure("zip_missing_entry", "RuntimeError", "file not found: version", "version")
    digits = version.strip()
    if not digits[:1].isdigit():
        text = f"Couldn't parse the version {digits} as Long Long."
        return Failure("zip_bad_version_record", "RuntimeError", text, digits)
    number = int("".join(char for char in digits[:20] if char.isdigit()))
    if number > column.zip_max:
        text = (
            f"Attempted to read a PyTorch file with version {number}, but the maximum supported version for reading is "
            f"{column.zip_max}. Your PyTorch installation may be too old."
        )
        return Failure("zip_version_too_new", "RuntimeError", text, str(number))
    return None


def _damage(problems: tuple[Problem, ...]) -> Problem | None:
    """The problem of the archive's directory, if it is that: cut, or lists what is not there."""
    found = [each for each in problems if each.member is None and each.kind in {"damaged", "truncated", "unreadable"}]
    return found[0] if found else None


def _version(file: File, column: Column) -> str | None:
    """The version of the archive where that release looks for it."""
    container = file.checkpoint.container
    if container is None or container.root != file.first_member.partition("/")[0]:
        return None
    plain = f"{container.root}/version"
    if "reads_data_version" not in column.does and not any(each.name == plain for each in container.records):
        return None
    return container.version


def _zip_fails(file: File, host: Host, weights_only: bool, given: bool) -> Failure | None:
    column, checkpoint = host.column, file.checkpoint
    failure = archive_fails(file, column)
    if failure:
        return failure
    if "dispatches_torchscript" in column.does:
        stranger = next((each for each in checkpoint.problems if each.kind == "several-roots"), None)
        if stranger:
            text = f"file in archive is not in a subdirectory: {stranger.member}"
            return Failure("zip_no_top_folder", "RuntimeError", text, stranger.member or "")
        if has_constants(file):
            return _scripted(file, host, weights_only)
    container = checkpoint.container
    if "reads_byteorder" in column.does and container and container.byteorder not in {None, "little", "big"}:
        text = f"Unknown endianness type: {container.byteorder}"
        return Failure("zip_bad_byteorder_record", "ValueError", text, str(container.byteorder))
    if not file.rows:
        failure = missing("data.pkl")
        return wrapped(column, failure) if weights_only else failure
    failure = _no_parameter(column, host.mapped, given, "Unpickler")
    if failure:
        return failure
    return restricted(file, file.rows[0], host) if weights_only else full(file, file.rows[0], host)


def has_constants(file: File) -> bool:
    """Whether torch takes the archive for TorchScript: torch/serialization.py, _is_torchscript_zip."""
    container = file.checkpoint.container
    name = f"{container.root}/constants.pkl" if container else ""
    return bool(container and any(record.name == name for record in container.records))


def _scripted(file: File, host: Host, weights_only: bool) -> Failure | None:
    if weights_only and "refuses_torchscript" in host.column.does:
        text = "Cannot use ``weights_only=True`` with TorchScript archives passed to ``torch.load``."
        return Failure("wo_torchscript_refused", "RuntimeError", text)
    return scripted_fails(file.checkpoint, host)


# --------------------------------------------------------------------------- tar and streams


def _tar_fails(file: File, host: Host, weights_only: bool) -> Failure | None:
    if weights_only and "refuses_tar" in host.column.does:
        text = "Cannot use ``weights_only=True`` with files saved in the legacy .tar format."
        return Failure("other", "RuntimeError", text, "tar")
    if file.checkpoint.format == "torch-tar":
        return unknown("how this release reads the tar files of torch before 0.1.10: that was not measured")
    return Failure("legacy_tar", "KeyError", "\"filename 'storages' not found\"", "storages")


def _stream_fails(file: File, host: Host, weights_only: bool) -> Failure | None:
    walk = restricted if weights_only else full
    legacy = file.checkpoint.format == "torch-legacy"
    for place, role in enumerate(_LEGACY_ROLES):
        if place >= len(file.rows):
            text = "" if weights_only else "Ran out of input"
            return Failure("empty_or_cut_pickle", "EOFError", text)
        failure = walk(file, file.rows[place], host)
        if failure:
            return failure
        if role == "magic" and not legacy:
            failure = Failure("legacy_bad_magic", "RuntimeError", "Invalid magic number; corrupt file?")
            return wrapped(host.column, failure) if weights_only else failure
    return _bytes_fail(file, host.column, weights_only)


def _bytes_fail(file: File, column: Column, weights_only: bool) -> Failure | None:
    """The storages behind the pickles: torch/csrc/generic/StorageMethods.cpp, _set_from_file."""
    if file.cut is None:
        return None
    text = "unexpected EOF, expected more bytes. The file might be corrupted."
    failure = Failure("legacy_truncated", "RuntimeError", text, file.cut)
    return wrapped(column, failure) if weights_only else failure

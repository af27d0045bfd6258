"""Why a load fails and what to do, in words: one sentence part for the reason, one for the fix."""

from collections.abc import Collection

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.predict.load.failures import Failure
from modeldoctor.predict.load.releases import Column
from modeldoctor.wording import quoted

_TRUST = "pass `weights_only=False` if you trust whoever wrote the file"
_SAVE_AGAIN = "load it where it was written and save {what} alone"
_FETCH = "get the file again: copy or download it whole, and compare checksums"
_NEWER = "use a newer torch"

# Class of the outcome → (reason, fix); `{}` is the subject, `{release}` the torch release.
_WORDS: dict[str, tuple[str, str]] = {
    "wo_unsupported_global": ("{} is not on the list of what the restricted loader of torch {release} builds", _TRUST),
    "wo_blocked_module": (
        "{} lies in a module that the restricted loader never takes",
        "find out why the file names it",
    ),
    "wo_unsupported_opcode": (
        "the restricted loader does not read the opcode {}: the pickle has another protocol than 2, or is none",
        f"save it with the default `pickle_protocol`, or {_TRUST}",
    ),
    "wo_unsupported_call": ("the pickle calls {}, which the restricted loader refuses", _TRUST),
    "wo_unsupported_instance": ("the restricted loader of torch {release} makes no instance of {}", _TRUST),
    "wo_unsupported_build": ("the restricted loader of torch {release} gives no state to {}", _TRUST),
    "wo_unsupported_fill": ("the restricted loader puts no items into {}", _TRUST),
    "wo_unsupported_persistent_id": ("the persistent id is {}, no storage", _TRUST),
    "wo_torchscript_refused": (
        "it is a TorchScript archive, which torch.load with weights_only refuses since 2.6",
        "load it with `torch.jit.load`",
    ),
    "module_missing": ("the module {} cannot be imported there", "install what provides it, or {again}"),
    "attribute_missing_in_module": ("{} does not exist there", "use the releases it was written with, or {again}"),
    "rebuild_signature_mismatch": ("{} takes other arguments in torch {release}", _NEWER),
    "layout_unsupported": ("torch {release} cannot rebuild the layout {}", _NEWER),
    "bytecode_of_other_python": (
        "it holds Python bytecode of another version ({})",
        "use the Python it was written with",
    ),
    "pickle_protocol_unsupported": ("that Python does not read pickle protocol {}", "use Python 3.8 or newer"),
    "device_unavailable": ("its tensors lie on {}, which is not there", 'load it with `map_location="cpu"`'),
    "unknown_location_tag": (
        "its tensors lie on {}, which torch knows with the plug-in only",
        'load it with `map_location="cpu"`, or import the plug-in first',
    ),
    "zip_version_too_new": ("torch {release} does not read archives of version {}", _NEWER),
    "zip_damaged": ("the archive has no directory where torch looks for it", _FETCH),
    "zip_missing_entry": ("the archive has no {}", _FETCH),
    "zip_no_top_folder": (
        "{} does not lie in the one folder that torch expects",
        "save it with `torch.save`, not with zip",
    ),
    "zip_bad_version_record": ("its `version` says {}, which is no number", _FETCH),
    "zip_bad_byteorder_record": ("its `byteorder` says {}", _FETCH),
    "zip_record_size_mismatch": ("{} has another size than its tensors need", _FETCH),
    "not_a_pickle": ("what torch takes for a pickle is none, or is damaged", _FETCH),
    "empty_or_cut_pickle": ("the pickle ends too early", _FETCH),
    "legacy_truncated": ("the file ends too early", _FETCH),
    "legacy_bad_magic": ("it is a pickle, but not one that `torch.save` wrote", "load it with what wrote it"),
    "legacy_tar": ("torch takes it for a tar file of torch before 0.1.10, and it has no {}", "unpack it first"),
    "mmap_needs_zip": (
        "only the zip format can be mapped into memory",
        "load it without `mmap=True`, or save it again",
    ),
    "no_weights_only_parameter": ("torch {release} has no weights_only", "use torch 1.13 or newer, or leave it out"),
    "no_mmap_parameter": ("torch {release} has no mmap", "use torch 2.1 or newer, or leave it out"),
    "protocol0_persistent_id": (
        "it was written with pickle protocol 0 or 1, whose storages no torch can read",
        "save it again with the default `pickle_protocol`",
    ),
    "jit_unrecognized_format": ("it is no TorchScript archive", "load it with what wrote it"),
    "ts_unknown_op_or_type": ("TorchScript of torch {release} does not know {}", _NEWER),
    "process_crash": ("torch {release} ends the process over {}", _NEWER),
    "export_version_mismatch": (
        "torch {release} reads another version of exported programs ({})",
        "use the torch series it was exported with, or export it again",
    ),
    "safetensors_error": ("its header is not valid ({})", _FETCH),
    "forward_fails": (
        "it was pickled by a release whose class did not set {}",
        "build the model in code and load its `state_dict()` into it",
    ),
    "unknown": ("nobody can tell {}", ""),
    "other": ("torch {release} fails on {}", ""),
}

_TORCH_LOAD = frozenset({"default", "weights_only", "full", "default_cpu", "mmap", "forward"})
# Format → (ways of loading that are meant for it, the loader in words).
_LOADERS: dict[str, tuple[Collection[str], str]] = {
    "torch-zip": (_TORCH_LOAD, "`torch.load`"),
    "torch-legacy": (_TORCH_LOAD, "`torch.load`"),
    "torch-tar": (_TORCH_LOAD, "`torch.load`"),
    "torchscript": (_TORCH_LOAD | {"jit", "jit_forward"}, "`torch.jit.load`"),
    "torch-export": (("export", "export_forward"), "`torch.export.load`"),
    "torch-package": ((), "`torch.package.PackageImporter`"),
    "safetensors": (("safetensors",), "`safetensors.torch.load_file`"),
    "joblib": ((), "`joblib.load`"),
    "pickle": ((), "what wrote it: it is a pickle of its own, not one of `torch.save`"),
}


def reason(failure: Failure, column: Column | None) -> str:
    """Why."""
    template = _of(failure.kind)[0]
    subject = failure.subject if failure.kind == "unknown" else quoted(failure.subject) if failure.subject else "it"
    words = template.format(subject, release=column.release if column else "")
    if failure.kind == "module_missing" and failure.subject.startswith("numpy._core"):
        return f"{words}: it came with NumPy 2"
    return words


def fix(kind: str, checkpoint: Checkpoint, mode: str) -> str:
    """What to do about a failure of that class; empty when nothing is known to help.

    For a file of another loader, that is to use this loader.
    """
    if kind == "safetensors_error" and checkpoint.format != "safetensors" and mode in _TORCH_LOAD:
        return "rename it: `torch.load` takes what ends in `.safetensors` for that format since 2.13"
    if kind != "unknown" and not fits(checkpoint, mode):
        return _elsewhere(checkpoint)
    if kind == "attribute_missing_in_module" and mode not in _TORCH_LOAD:
        return _NEWER
    what = "its `state_dict()`" if checkpoint.anatomy.contents == "module" else "the tensors"
    return _of(kind)[1].format(again=_SAVE_AGAIN.format(what=what))


def fits(checkpoint: Checkpoint, mode: str) -> bool:
    """Whether the way of loading is meant for such files."""
    return mode in _LOADERS.get(checkpoint.format, ((), ""))[0]


def _elsewhere(checkpoint: Checkpoint) -> str:
    loader = _LOADERS.get(checkpoint.format, ((), ""))[1] if checkpoint.state != "unreadable" else ""
    return f"load it with {loader}" if loader else checkpoint.advice or _FETCH


def _of(kind: str) -> tuple[str, str]:
    return _WORDS.get(kind.removeprefix("wo_wrapped_"), _WORDS["other"])

"""What a file is, by its bytes before its name, with as few reads as will do.

The order is that of the loaders: `torch.load` decides by the first four bytes, so a zip appended to something else is
something else. Formats that PyTorch can read are told apart here; the others in `readers.checkpoint.foreign` (binary)
and `readers.checkpoint.plain` (text), which are imported only when nothing here fits.
"""

import os
import struct
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from modeldoctor.errors import ReadError
from modeldoctor.storage import File, Source

if TYPE_CHECKING:
    from modeldoctor.readers.checkpoint.zip_directory import Directory

HEAD_BYTES = 4096
# The local header of a zip, which most files are: the directory tells the rest.
_LOCAL_BYTES = 30

# safetensors/src/tensor.rs, MAX_HEADER_SIZE: what its readers refuse.
MAX_SAFETENSORS_HEADER = 100_000_000
# torch/serialization.py, MAGIC_NUMBER = 0x1950a86a20f9469cfc6c: as LONG1, and as the text of protocol 0.
_LEGACY_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
_LEGACY_MAGIC_TEXT = b"L119547037146038801333356"
# The four members of the tar that torch wrote before 0.1.10; torch/serialization.py, legacy_load.
_TORCH_TAR_MEMBERS = frozenset({"sys_info", "pickle", "storages", "tensors"})
# Opcodes that a pickle of protocol 0 or 1 can start with: a mark, a value, an empty container, a global.
_FIRST_OPCODES = frozenset(b"(]})cNIJKMLFGSTUVXBC\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x96")


class Sniffed(NamedTuple):
    """What a file is. `format` as in `Checkpoint.format`; `advice` says what to do with what is no PyTorch file.

    `directory` is the `zip_directory.Directory` of a zip that has one, so that it is not read twice.
    """

    format: str
    title: str
    advice: str | None = None
    directory: "Directory | None" = None


# Formats that a reader opens; everything else is recognised by name, or `unknown`.
READABLE = {
    "torch-zip": "torch.save zip",
    "torch-legacy": "torch.save legacy stream (before torch 1.6)",
    "torch-tar": "torch.save tar (before torch 0.1.10)",
    "torchscript": "TorchScript archive",
    "torch-export": "torch.export archive (.pt2)",
    "torch-package": "torch.package archive",
    "executorch": "ExecuTorch program (.pte)",
    "safetensors": "safetensors",
    "sharded": "index of a sharded checkpoint",
    "pickle": "plain pickle",
    "joblib": "joblib pickle",
}
# Containers around a model, which are entered.
NESTING = frozenset({"gzip", "bzip2", "xz", "lzma", "zlib", "zip", "tar", "mar", "stable-baselines3", "numpy"})


def sniff(source: Source, name: str) -> Sniffed:
    """What the bytes are. `name` only breaks ties. Raises ReadError when the disk fails."""
    if source.size == 0:
        advice = "nothing was written here: save or download the model again"
        return Sniffed("empty", "empty file", advice)
    head = source.read_at(0, _LOCAL_BYTES)
    if head[:4] in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}:
        return _zip(source) if not name.endswith(".distcp") else Sniffed("distcp", *_DISTCP)
    head += source.read_at(len(head), HEAD_BYTES - len(head))
    if head[:1] == b"\x80" or head[:1] == b"L":
        pickled = _pickle_with_magic(head)
        if pickled:
            return pickled
    if _is_safetensors(head, name):
        return readable("safetensors")
    if head[4:8] == b"ET12":  # flatbuffer file identifier, executorch/schema/program.fbs
        return readable("executorch")
    if head[4:8] == b"PTMF":  # torch/csrc/jit/serialization/mobile_bytecode.fbs
        return Sniffed("torchscript", "TorchScript mobile flatbuffer (.ptl)", _MOBILE)
    if head[257:262] == b"ustar" or _is_old_tar(head):
        return _tar(source, name)
    return _other(source, head, name)


def readable(name: str) -> Sniffed:
    """The description of a format that a reader opens."""
    return Sniffed(name, READABLE[name])


# A row of torch.save zips and raw tensors, which only the `.metadata` beside it explains.
_DISTCP = ("shard of a torch.distributed.checkpoint", "check the folder that it lies in")
_MOBILE = "run it with the PyTorch mobile runtime: torch.load can't open it"


def _pickle_with_magic(head: bytes) -> Sniffed | None:
    # Right behind PROTO, or behind the FRAME that protocols 4 and 5 put between.
    if head.find(_LEGACY_MAGIC, 2, 23) in {2, 11} or head.startswith(_LEGACY_MAGIC_TEXT):
        return readable("torch-legacy")
    if head[:1] == b"\x80" and head[1:2] <= b"\5":  # PROTO and the highest protocol there is
        return readable("joblib" if b"joblib.numpy_pickle" in head else "pickle")
    return None


def _is_safetensors(head: bytes, name: str) -> bool:
    """A length and then JSON. A damaged length doesn't hide what the JSON says it is."""
    if len(head) < 8:
        return False
    (length,) = struct.unpack_from("<Q", head)
    if head[8:9] == b"{" and head[9:].lstrip()[:1] in {b'"', b"}"}:
        return length <= MAX_SAFETENSORS_HEADER or b'"data_offsets"' in head or b'"__metadata__"' in head
    return name.lower().endswith(".safetensors") and length <= MAX_SAFETENSORS_HEADER and any(head[8:16])


# --------------------------------------------------------------------------- zip


def _zip(source: Source) -> Sniffed:
    from modeldoctor.readers.checkpoint.zip_directory import ENCRYPTED, read_directory

    try:
        directory = read_directory(source)
    except ReadError:
        return _cut_zip(source)
    if not directory.entries and directory.problems:
        return _cut_zip(source)._replace(directory=directory)
    names = [entry.name for entry in directory.entries]
    sealed = bool(names) and all(entry.flags & ENCRYPTED for entry in directory.entries)
    return zip_kind(names, sealed=sealed)._replace(directory=directory)


def _cut_zip(source: Source) -> Sniffed:
    """What an archive without a directory was, by the local headers in its first bytes."""
    head = source.read_at(0, HEAD_BYTES)
    # torch's writer leaves "version needed" 0 and sets bits 3 and 11: caffe2/serialize/inline_container.cc and miniz.
    by_torch = head[4:10] == b"\0\0\x08\x08\0\0"
    found = zip_kind(_local_names(head))
    return readable("torch-zip") if found.format == "zip" and by_torch else found


def _local_names(head: bytes) -> list[str]:
    names = []
    at = head.find(b"PK\x03\x04")
    while at >= 0:
        (length,) = struct.unpack_from("<H", head.ljust(at + 30, b"\0"), at + 26)
        names.append(head[at + 30 : at + 30 + length].decode("utf-8", "replace"))
        at = head.find(b"PK\x03\x04", at + 30)
    return names


def zip_kind(names: Iterable[str], *, sealed: bool = False) -> Sniffed:
    """What an archive with these members is. torch looks for records below the one folder at the root."""
    names = list(names)
    tails = {member[member.find("/") + 1 :] for member in names}
    # `constants.pkl` decides for torch (torch/serialization.py, _is_torchscript_zip); one that was cut has lost it.
    if "constants.pkl" in tails or ("data.pkl" in tails and any(tail.startswith("code/__torch__") for tail in tails)):
        return _scripted(tails)
    if _is_export(names, tails):
        return readable("torch-export")
    if ".data/extern_modules" in tails:  # torch/package/package_importer.py
        return readable("torch-package")
    if "data.pkl" in tails:
        return readable("torch-zip")
    if "model.json" in tails and any(tail.startswith(("tensors/", "code/")) for tail in tails):
        return Sniffed("torchscript", "TorchScript archive (before torch 1.4)")
    if "version" in tails and tails & {"byteorder", ".format_version", ".data/serialization_id", "data/0"}:
        return readable("torch-zip")  # one that lost its data.pkl
    deep = {tail.rpartition("/")[2] for tail in tails}
    if {"data.pkl", "version"} <= deep and not any(member.startswith("MAR-INF/") for member in names):
        return readable("torch-zip")  # one that was zipped again with a folder around it
    from modeldoctor.readers.checkpoint.foreign import foreign_zip

    return foreign_zip(names, tails, sealed=sealed)


def _scripted(tails: set[str]) -> Sniffed:
    if "bytecode.pkl" in tails:  # torch/csrc/jit/serialization/export_module.cpp
        return Sniffed("torchscript", "TorchScript lite archive (.ptl)")
    return readable("torchscript")


def _is_export(names: list[str], tails: set[str]) -> bool:
    """torch/export/pt2_archive/constants.py for the new layout, torch/export/__init__.py up to 2.7 for the old one."""
    if "archive_format" in tails or "serialized_exported_program.json" in tails:
        return True
    return "serialized_exported_program.json" in names or any(tail.startswith("data/aotinductor/") for tail in tails)


# --------------------------------------------------------------------------- tar


def _is_old_tar(head: bytes) -> bool:
    """A tar header without `ustar` (before POSIX 1988): only its checksum tells."""
    if len(head) < 512 or not head[0] or head[148:154].strip(b" 01234567\0"):
        return False
    from modeldoctor.readers.checkpoint.tar_directory import sums_up

    return sums_up(head[:512])


def _tar(source: Source, name: str) -> Sniffed:
    from modeldoctor.readers.checkpoint.tar_directory import read_tar

    names = {member.name for member in read_tar(source, limit=len(_TORCH_TAR_MEMBERS)).members}
    if len(names & _TORCH_TAR_MEMBERS) >= 2:
        return readable("torch-tar")
    title = "NVIDIA NeMo archive (tar)" if name.lower().endswith(".nemo") else "tar archive"
    return Sniffed("tar", title, "unpack it and check what is inside: torch.load can't open it")


# --------------------------------------------------------------------------- the rest


def _other(source: Source, head: bytes, name: str) -> Sniffed:
    """Foreign signatures, then texts, then a pickle without a mark of its own, then names."""
    from modeldoctor.readers.checkpoint import foreign, plain

    found = foreign.by_signature(source, head, name) or plain.structured(head, source, name)
    if found is None and head[0] in _FIRST_OPCODES and _is_pickle(source, head):
        found = readable("joblib" if b"joblib.numpy_pickle" in head else "pickle")
    return found or plain.text(head) or foreign.by_tail_or_name(source, head, name)


def _is_pickle(source: Source, head: bytes) -> bool:
    """Whether a pickle without a PROTO opcode stands here: one that ends, or one that uses globals before it breaks.

    A loader executes what stands before the damage, so a broken one counts. Of text more is asked: `N.` and
    `Git v2.30.` are whole pickles, `cmake_policy` and a line below it name a global.
    """
    from modeldoctor.readers.checkpoint.pickle_machine import run
    from modeldoctor.readers.checkpoint.plain import is_text

    result = run(source)
    pickle = result.pickle
    text = is_text(head)
    names = [each for each in pickle.globals if _is_name(each.module) and _is_name(each.name)]
    if any(each.uses != {"named"} or not text for each in names):
        return True
    if pickle.stopped is not None or pickle.opcode_count < 2:
        return False
    return source.size - result.end <= 1 or (pickle.opcode_count > 3 and not text)


def _is_name(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


# --------------------------------------------------------------------------- TorchServe

_ARCHIVE_FOLDER = "MAR-INF"
# Where the folder's name is searched: the directory of a zip, and the first members of a tar, which are sorted.
_ARCHIVE_BYTES = 1 << 18


def is_archive(path: str) -> bool:
    """Whether TorchServe would be given it: by the name `.mar`, else by the folder that every such archive has."""
    name = path.lower()
    if name.endswith(".mar"):
        return True
    if os.path.isdir(path):
        return os.path.isdir(os.path.join(path, _ARCHIVE_FOLDER))
    if not name.endswith((".zip", ".tar", ".tar.gz", ".tgz", ".model")):
        return False
    try:
        with File(path) as file:
            tail = max(0, file.size - _ARCHIVE_BYTES)
            head, end = file.read_at(0, _ARCHIVE_BYTES), file.read_at(tail, _ARCHIVE_BYTES)
    except ReadError:
        return False
    if head[:2] == b"\x1f\x8b":
        head = _first_unpacked(head)
    mark = f"{_ARCHIVE_FOLDER}/".encode()
    return mark in (end if head[:2] == b"PK" else head)


def _first_unpacked(data: bytes) -> bytes:
    import zlib

    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, 16 * _ARCHIVE_BYTES)
    except zlib.error:
        return b""


# --------------------------------------------------------------------------- folders

_WEIGHTS = ("model", "pytorch_model", "diffusion_pytorch_model", "consolidated", "tf_model", "flax_model")
_WEIGHTS_SUFFIXES = (".safetensors", ".bin", ".pth", ".h5", ".msgpack")
# Files that belong to the model whose folder they lie in; others beside them are models of their own.
READ_IN_FOLDERS = (
    ".safetensors",
    ".bin",
    ".pt",
    ".pth",
    ".ckpt",
    ".pkl",
    ".pickle",
    ".h5",
    ".msgpack",
    ".gguf",
    ".onnx",
)
INDEX_SUFFIXES = (".safetensors.index.json", ".bin.index.json")


def folder_kind(files: Collection[str]) -> Sniffed | None:
    """What a folder with these files is when it is one model; None for a folder that may hold any number of them."""
    if "model_index.json" in files:  # diffusers/pipelines/pipeline_utils.py, config_name
        return Sniffed("diffusers", "diffusers pipeline folder")
    if "adapter_config.json" in files:  # peft/utils/constants.py, CONFIG_NAME
        return Sniffed("adapter", "PEFT adapter folder")
    # torch/distributed/checkpoint/filesystem.py, _metadata_fn and DEFAULT_SUFFIX
    if ".metadata" in files and any(name.endswith(".distcp") for name in files):
        return Sniffed("distributed", "torch.distributed.checkpoint folder", _DISTRIBUTED)
    if "saved_model.pb" in files:
        return Sniffed(
            "tensorflow", "TensorFlow SavedModel folder", "load it with TensorFlow: torch.load can't open it"
        )
    if any(name.endswith(INDEX_SUFFIXES) for name in files):
        return Sniffed("model-folder", "model folder with shards")
    if "config.json" in files and any(name.startswith(_WEIGHTS) and name.endswith(_WEIGHTS_SUFFIXES) for name in files):
        return Sniffed("model-folder", "Hugging Face model folder")
    if "zero_to_fp32.py" in files or any(name.endswith("_model_states.pt") for name in files):
        return Sniffed("deepspeed", "DeepSpeed checkpoint folder", _DEEPSPEED)
    return None


# The folders above whose subfolders belong to the model too.
WHOLE_TREES = frozenset({"diffusers", "distributed", "tensorflow", "deepspeed"})

_DISTRIBUTED = "convert it: `python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pt`"
_DEEPSPEED = "collect the weights with `python zero_to_fp32.py FOLDER model.bin` and check what it writes"

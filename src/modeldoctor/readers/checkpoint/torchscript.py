"""What `torch.jit.save` writes: the attributes of a scripted module as a pickle, its code as text, its constants.

torch/csrc/jit/serialization/export_module.cpp (ScriptModuleSerializer) and import.cpp. Before 1.4 the attributes were
in `model.json`: see `torchscript_old`. The pickles are read by C++, which knows a fixed set of classes.
"""

import re
from typing import Any

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint, Pickle, Storage, Tensor
from modeldoctor.readers.checkpoint.anatomy import describe, from_tensors
from modeldoctor.readers.checkpoint.pickle_machine import Run
from modeldoctor.readers.checkpoint.pickle_values import Name, Object
from modeldoctor.readers.checkpoint.records import Root, attach, container, find, find_root, listed, unused
from modeldoctor.readers.checkpoint.salvage import open_archive
from modeldoctor.readers.checkpoint.torch_zip import others, run_records
from modeldoctor.readers.checkpoint.torchscript_code import Members, members_of, needs, read_code
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import Entry
from modeldoctor.storage import Source

# Code files that are listed, and modules whose class is looked up.
MAX_FILES = 1000
MAX_MODULES = 100_000
_MANGLED = re.compile(r"\.___torch_mangle_\d+")

_OWN = frozenset(
    {"data.pkl", "constants.pkl", "bytecode.pkl", "traced_inputs.pkl", "mobile_debug_handles.pkl", "attributes.pkl"}
    | {"version", "byteorder", ".data/version", ".data/serialization_id"}
)


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the archive holds. ReadError when nothing is left of it."""
    if sniffed.directory is None and source.read_at(0, 2) != b"PK":
        return blank  # the flatbuffer of mobile runtimes: named, not read
    archive = open_archive(source, sniffed.directory)
    root = find_root(archive, "data.pkl", alone=False)
    if find(archive, root.path("data.pkl")) is None and archive.directory.whole:
        model = find(archive, find_root(archive, "model.json", alone=False).path("model.json"))
        if model is not None:
            from modeldoctor.readers.checkpoint.torchscript_old import read_old

            return read_old(archive, model, blank)
    return _assemble(archive, blank, root)


def _assemble(archive: Archive, blank: Checkpoint, root: Root) -> Checkpoint:
    runs = run_records(archive, root.path("data.pkl"))
    constants = run_records(archive, root.path("constants.pkl"), role="constants")
    archive.check_headers()
    storages, tensors, outline = _described(archive, root, runs, "data/")
    more, frozen, _ = _described(archive, root, constants, "constants/", first=len(storages))
    used = {storage.record for storage in storages + more if storage.record}
    value = runs[0].value if runs else None
    code = read_code(archive, root)
    tensors = _with_kinds(tensors, _classes(value), members_of(code))
    anatomy = from_tensors(tensors, storages, contents="scripted")
    pickles: tuple[Pickle, ...] = tuple([run.pickle for run in runs + constants])
    rest = unused(archive, used)
    further, models = others(archive, _strangers(rest, root), blank.path)
    whole = archive.directory.whole and bool(runs) and all(pickle.stopped is None for pickle in pickles)
    return blank._replace(
        state="understood" if whole else "unreadable",
        container=container(archive, root, listed(archive, rest)),
        pickles=(*pickles, *further),
        storages=storages + more,
        tensors=tensors + tuple([tensor._replace(path=f"constants.{tensor.path}") for tensor in frozen]),
        anatomy=anatomy._replace(root_class=_class_name(value)),
        outline=outline,
        children=tuple(models),
        problems=(*root.problems, *archive.problems),
        extras=tuple({**_extras(archive, root), **needs(archive, code)}.items()),
    )


def _described(
    archive: Archive, root: Root, runs: list[Run], folder: str, first: int = 0
) -> tuple[tuple[Storage, ...], tuple[Tensor, ...], tuple[Any, ...]]:
    """Storages, tensors and outline of a pickle; its storages are numbered from `first`."""
    if not runs:
        return (), (), ()
    storages, _ = attach(archive, runs[0].storages, root.path(folder), elsewhere=root.path(""))
    described = describe(runs[0].value, storages, instances=runs[0].pickle.instances)
    archive.problems += described.problems
    tensors = described.tensors
    if first:
        shifted = [t if t.storage is None else t._replace(storage=t.storage + first) for t in tensors]
        tensors = tuple(shifted)
    return storages, tensors, described.outline


def _strangers(entries: list[Entry], root: Root) -> list[Entry]:
    """Members that torch does not write; those it writes as pickles are read by C++ alone."""
    prefix = len(root.path(""))
    names = [(entry, entry.name[prefix:]) for entry in entries]
    return [entry for entry, name in names if not name.startswith("code/") and name not in _OWN]


def _extras(archive: Archive, root: Root) -> dict[str, Any]:
    code, extra = root.path("code/"), root.path("extra/")
    names = [entry.name for entry in archive.directory.entries]
    return {
        "code": tuple([name[len(code) :] for name in names if name.startswith(code) and name.endswith(".py")])[
            :MAX_FILES
        ],
        "extra_files": tuple([name[len(extra) :] for name in names if name.startswith(extra)])[:MAX_FILES],
        "lite": find(archive, root.path("bytecode.pkl")) is not None,
    }


# --------------------------------------------------------------------------- parameters and buffers


def _classes(value: Any) -> dict[str, str]:
    """Path of each module in the object → its class; within MAX_MODULES, each object once."""
    classes: dict[str, str] = {}
    seen: set[int] = set()
    stack = [("", value)]
    while stack and len(classes) < MAX_MODULES:
        path, each = stack.pop()
        if type(each) is not Object or type(each.cls) is not Name or id(each) in seen:
            continue
        seen.add(id(each))
        classes[path] = str(each.cls)
        for attributes in each.dicts():
            below = [(f"{path}.{key}" if path else key, child) for key, child in attributes.pairs() if type(key) is str]
            stack += below
    return classes


def _with_kinds(tensors: tuple[Tensor, ...], classes: dict[str, str], members: Members) -> tuple[Tensor, ...]:
    return tuple([tensor._replace(kind=_kind(tensor, classes, members)) for tensor in tensors])


def _kind(tensor: Tensor, classes: dict[str, str], members: Members) -> str:
    parent, _, name = tensor.path.rpartition(".")
    parameters, buffers = members.get(classes.get(parent, ""), (frozenset(), None))
    if name in parameters or (buffers is None and tensor.requires_grad):
        return "parameter"
    return "buffer" if buffers is not None and name in buffers else "tensor"


def _class_name(value: Any) -> str | None:
    """The class of the root module as its author wrote it: without `__torch__` and mangling."""
    if type(value) is not Object or type(value.cls) is not Name:
        return None
    return _MANGLED.sub("", str(value.cls)).removeprefix("__torch__.")

"""What `torch.jit.save` wrote before 1.4: the modules as JSON (`model.json`), tensors as records it refers to.

caffe2/proto/torch.proto (ModelDef, ModuleDef, ParameterDef, TensorDef), in the JSON form of protocol buffers: camel
case, 64-bit numbers as text, defaults left out. Read by torch/csrc/jit/serialization/import_legacy.cpp.
"""

from typing import Any

from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Problem, Storage, Tensor
from modeldoctor.readers.checkpoint.anatomy import from_tensors
from modeldoctor.readers.checkpoint.bounded_json import parse
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES
from modeldoctor.readers.checkpoint.records import Root, container, find, listed, unused
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import Entry, told

# Parameters and modules that are read.
MAX_TENSORS = 100_000
MAX_MODULES = 100_000
_MAX_DIMENSIONS = 64
# caffe2/proto/caffe2.proto, TensorProto.DataType
_DTYPES = {
    "FLOAT": "float32",
    "INT32": "int32",
    "BYTE": "uint8",
    "BOOL": "bool",
    "UINT8": "uint8",
    "INT8": "int8",
    "UINT16": "uint16",
    "INT16": "int16",
    "INT64": "int64",
    "FLOAT16": "float16",
    "DOUBLE": "float64",
}


def read_old(archive: Archive, model: Entry, blank: Checkpoint) -> Checkpoint:
    """Fill in what `model.json` describes; ReadError when it is no such JSON."""
    root = Root(model.name.removesuffix("model.json").rstrip("/"))
    document = parse(archive.read(model))
    if not isinstance(document, dict):
        raise ReadError("is no JSON object", member=model.name)
    archive.check_headers()
    reading = _Reading(archive, root, _list(document, "tensors"))
    main = document.get("mainModule")
    reading.modules(main if isinstance(main, dict) else {})
    storages, tensors = tuple(reading.storages), tuple(reading.tensors)
    used = {storage.record for storage in storages if storage.record}
    code = root.path("code/")
    names = [entry.name[len(code) :] for entry in archive.directory.entries if entry.name.startswith(code)]
    return blank._replace(
        title="TorchScript archive (before torch 1.4)",
        state="understood" if archive.directory.whole else "unreadable",
        container=container(archive, root, listed(archive, unused(archive, used))),
        storages=storages,
        tensors=tensors,
        anatomy=from_tensors(tensors, storages, contents="scripted"),
        problems=(*archive.problems, *told(reading.problems)),
        extras=(("code", tuple(names)), ("producer_version", document.get("producerVersion"))),
    )


class _Reading:
    """The state of reading one `model.json`: its table of tensors, and what the modules use of it."""

    def __init__(self, archive: Archive, root: Root, table: list[Any]) -> None:
        self.archive = archive
        self.root = root
        self.table = table
        self.storages: list[Storage] = []
        self.places: dict[str, int] = {}
        self.tensors: list[Tensor] = []
        self.problems: list[Problem] = []

    def modules(self, main: dict[str, Any]) -> None:
        """The parameters of all modules, in the order of the file."""
        stack = [("", main)]
        for _ in range(MAX_MODULES):
            if not stack or len(self.tensors) >= MAX_TENSORS:
                break
            path, module = stack.pop()
            for parameter in _list(module, "parameters"):
                if isinstance(parameter, dict):
                    self.parameter(path, parameter)
            below = [each for each in _list(module, "submodules") if isinstance(each, dict)]
            stack += [(f"{path}{each.get('name', '')}.", each) for each in reversed(below)]
        if stack:
            self.problems.append(Problem("limit", f"has more than {MAX_TENSORS:,} modules or parameters"))

    def parameter(self, path: str, parameter: dict[str, Any]) -> None:
        """One parameter or buffer: a place in the table of tensors."""
        name = f"{path}{parameter.get('name', '')}"
        index = _number(parameter.get("tensorId", 0))
        form = self.table[index] if index < len(self.table) else None
        if not isinstance(form, dict):
            self.problems.append(
                Problem("damaged", f"{name[:80]!r} has no entry in the table of tensors", "model.json")
            )
            return
        dtype = _DTYPES.get(str(form.get("dataType", "FLOAT")), "unknown")
        shape = tuple([_number(size) for size in _list(form, "dims")[:_MAX_DIMENSIONS]])
        strides = tuple([_number(size) for size in _list(form, "strides")[:_MAX_DIMENSIONS]])
        device = form.get("device")
        tensor = Tensor(
            path=name,
            dtype=dtype,
            shape=shape,
            strides=strides,
            storage=None,
            offset=_number(form.get("offset", 0)),
            device=device if isinstance(device, str) and device else "cpu",
            requires_grad=form.get("requiresGrad") is True,
            kind="buffer" if parameter.get("isBuffer") is True else "parameter",
        )
        data = form.get("data")
        key = data.get("key") if isinstance(data, dict) else None
        place = self.storage(key, tensor) if isinstance(key, str) else None
        self.tensors.append(tensor._replace(storage=place))

    def storage(self, key: str, tensor: Tensor) -> int:
        """The number of the storage with that record; as large as its record, for nothing else tells its size."""
        if key in self.places:
            return self.places[key]
        name = self.root.path(key)
        entry = find(self.archive, name)
        item = ITEM_BYTES.get(tensor.dtype, 1)
        needed = entry.size_bytes if entry else tensor.numel * item
        offset = self.archive.known_offset(entry) if entry else None
        if entry is None:
            self.problems.append(Problem("missing-record", "is not there: a tensor needs it", name))
        stored = entry.size_bytes if entry else None
        record = entry.name if entry else None
        self.storages.append(
            Storage(key, "", tensor.dtype, needed // item, needed, tensor.device, record, stored, 0, offset)
        )
        self.places[key] = len(self.storages) - 1
        return self.places[key]


def _list(mapping: dict[str, Any], key: str) -> list[Any]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    """A 64-bit number, which JSON of protocol buffers writes as text; 0 for anything else."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    return value if type(value) is int and value >= 0 else 0

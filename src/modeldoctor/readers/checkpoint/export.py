"""What `torch.export.save` writes: a graph as JSON, and weights as records (2.9 on) or as nested checkpoints (before).

torch/export/__init__.py and torch/export/pt2_archive/_package.py; the JSON: torch/_export/serde/schema.py. Packages
of AOTInductor share the container: compiled libraries below `data/aotinductor/`.
"""

import json
from typing import Any

from modeldoctor.detect import Sniffed
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Checkpoint, Problem, Storage, Tensor
from modeldoctor.readers.checkpoint.anatomy import from_tensors
from modeldoctor.readers.checkpoint.bounded_json import parse
from modeldoctor.readers.checkpoint.inside import MAX_DEPTH
from modeldoctor.readers.checkpoint.payload import read_config
from modeldoctor.readers.checkpoint.records import Root, container, find, listed, text, unused
from modeldoctor.readers.checkpoint.salvage import open_archive
from modeldoctor.readers.checkpoint.strangers import read_inside
from modeldoctor.readers.checkpoint.zip_archive import Archive
from modeldoctor.readers.checkpoint.zip_directory import Entry, told
from modeldoctor.storage import Source
from modeldoctor.wording import size

# The JSON that lists weights, all models together: 35,000 weights.
MAX_CONFIG_BYTES = 8 << 20
_TAIL_BYTES = 64 << 10
_OLD_PROGRAM = "serialized_exported_program.json"


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the archive holds. ReadError when nothing is left of it."""
    archive = open_archive(source, sniffed.directory)
    archive.check_headers()
    reading = _Reading(archive, blank)
    if find(archive, _OLD_PROGRAM):
        root = Root("")
        reading.old_layout()
    else:
        root = Root(archive.directory.entries[0].name.partition("/")[0])
        reading.new_layout(root)
    return reading.result(root)


class _Reading:
    """The state of reading one archive: what was found so far."""

    def __init__(self, archive: Archive, blank: Checkpoint) -> None:
        self.archive = archive
        self.blank = blank
        self.storages: list[Storage] = []
        self.tensors: list[Tensor] = []
        self.nested: list[Checkpoint] = []
        self.problems: list[Problem] = []
        self.extras: dict[str, Any] = {}
        self.used: set[str] = set()
        self.config_bytes = 0

    # ----------------------------------------------------------------------- torch 2.1 to 2.7

    def old_layout(self) -> None:
        """All members at the top; `version` is that of the schema."""
        self.extras["layout"] = "before 2.8"
        self.program(_OLD_PROGRAM)
        self.extras.setdefault("schema_version", text(self.archive, "version"))
        for name in ("serialized_state_dict", "serialized_constants"):
            # torch 2.1 and 2.2 call them .json, they are checkpoints all the same.
            entry = find(self.archive, f"{name}.pt") or find(self.archive, f"{name}.json")
            if entry:
                self.adopt(self.open(entry, "constants" if name.endswith("constants") else "object"))
        entry = find(self.archive, "serialized_example_inputs.pt")
        if entry:
            self.open(entry, "extra")
        self.extras["extra_files"] = self.names("extra_files/")

    # ----------------------------------------------------------------------- torch 2.8 on

    def new_layout(self, root: Root) -> None:
        """Everything below one folder; one or more models by name."""
        self.extras["layout"] = "2.8 and later"
        self.extras["archive_version"] = text(self.archive, root.path("archive_version"))
        models = [name[:-5] for name in self.names(root.path("models/")) if name.endswith(".json")]
        self.extras["models"] = tuple(models)
        for model in models:
            self.program(root.path(f"models/{model}.json"))
            prefix = f"{model}." if len(models) > 1 else ""
            for folder in ("weights", "constants"):
                self.payloads(root.path(f"data/{folder}/"), f"{model}_{folder}_config.json", prefix)
                old = find(self.archive, root.path(f"data/{folder}/{model}.pt"))  # torch 2.8
                if old:
                    self.adopt(self.open(old, "object" if folder == "weights" else "constants"), prefix)
            inputs = find(self.archive, root.path(f"data/sample_inputs/{model}.pt"))
            if inputs:
                self.open(inputs, "extra")
        self.extras["extra_files"] = self.names(root.path("extra/"))
        compiled = self.names(root.path("data/aotinductor/"))
        if compiled:
            self.extras["compiled"] = compiled
            self.blank = self.blank._replace(title="AOTInductor package (.pt2)")

    def payloads(self, folder: str, config: str, prefix: str) -> None:
        """The tensors that a configuration lists: raw records, or nested checkpoints of tensor subclasses."""
        entry = find(self.archive, folder + config)
        if entry is None:
            return
        self.config_bytes += entry.size_bytes
        if self.config_bytes > MAX_CONFIG_BYTES:
            text = f"lists of weights above {size(MAX_CONFIG_BYTES)} are not read"
            self.problems.append(Problem("limit", text, entry.name))
            return
        try:
            kind = "buffer" if folder.endswith("weights/") else "tensor"
            listed = read_config(parse(self.archive.read(entry)), folder, len(self.storages), prefix, kind)
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error), entry.name, error.byte))
            return
        self.tensors += listed.tensors
        for storage in listed.storages:
            self.storages.append(self.located(storage))
        for name in listed.pickled:
            found = find(self.archive, name)
            if found is None:
                self.problems.append(Problem("missing-record", "is not there: the weights list it", name))
            else:
                self.open(found, "extra")

    def located(self, storage: Storage) -> Storage:
        """The storage with what its record holds. An empty record stands for zeros: _package.py, _build_file_map."""
        record = storage.record or ""
        entry = find(self.archive, record)
        if entry is None:
            self.problems.append(Problem("missing-record", "is not there: the weights list it", record))
            return storage
        self.used.add(entry.name)
        if 0 < entry.size_bytes < storage.size_bytes:
            text = f"has {entry.size_bytes:,} bytes, its tensors need {storage.size_bytes:,}"
            self.problems.append(Problem("short-record", text, record))
        return storage._replace(stored_bytes=entry.size_bytes, record_offset=self.archive.known_offset(entry))

    # ----------------------------------------------------------------------- both

    def program(self, name: str) -> None:
        """What the graph says of itself: schema, operator set, dialect, the torch that wrote it.

        All that stands behind the graph, which is as long as the model and is not read.
        """
        entry = find(self.archive, name)
        if entry is None:
            return
        try:
            source = self.archive.open(entry)
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error), name, error.byte))
            return
        tail = source.read_at(max(0, source.size - _TAIL_BYTES), _TAIL_BYTES).decode("utf-8", "replace")
        if not tail.rstrip().endswith("}"):
            self.problems.append(Problem("damaged", "is no JSON object", name))
        for key in ("opset_version", "dialect", "verifiers", "torch_version", "schema_version"):
            value = _last_value(tail, key)
            if key == "schema_version" and isinstance(value, dict):
                value = f"{value.get('major')}.{value.get('minor')}"
            if value is not None:
                self.extras.setdefault(key, value if isinstance(value, (dict, list)) else str(value))

    def open(self, entry: Entry, role: str) -> Checkpoint | None:
        """The checkpoint or pickle that a member holds; its pickles, in their role here, and problems become ours."""
        if self.archive.budget.spent or self.archive.depth >= MAX_DEPTH:
            text = f"of the checkpoints inside, {len(self.nested)} were read"
            self.problems += [Problem("nested-limit", text, entry.name)] * (not self.is_told("nested-limit"))
            return None
        self.used.add(entry.name)
        try:
            found = read_inside(self.archive, entry, self.blank.path)
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error), entry.name, error.byte))
            return None
        pickles = [pickle._replace(role=role) if pickle.role == "object" else pickle for pickle in found.pickles]
        self.nested.append(found._replace(pickles=tuple(pickles)))
        return found

    def is_told(self, kind: str) -> bool:
        return any(problem.kind == kind for problem in self.problems)

    def adopt(self, found: Checkpoint | None, prefix: str = "") -> None:
        """The tensors of a nested state_dict stand for the model's."""
        if found is None:
            return
        first = len(self.storages)
        self.storages += found.storages
        for tensor in found.tensors:
            storage = None if tensor.storage is None else tensor.storage + first
            self.tensors.append(tensor._replace(path=prefix + tensor.path, storage=storage))

    def names(self, folder: str) -> tuple[str, ...]:
        """The members below a folder, without it."""
        return tuple(
            [entry.name[len(folder) :] for entry in self.archive.directory.entries if entry.name.startswith(folder)]
        )

    def result(self, root: Root) -> Checkpoint:
        problems = [*self.problems]
        for nested in self.nested:
            problems += nested.problems
        tensors, storages = tuple(self.tensors), tuple(self.storages)
        facts = (
            container(self.archive, root, listed(self.archive, unused(self.archive, self.used))) if root.name else None
        )
        whole = self.archive.directory.whole and not any(nested.state == "unreadable" for nested in self.nested)
        return self.blank._replace(
            state="understood" if whole else "unreadable",
            container=facts,
            pickles=tuple([pickle for nested in self.nested for pickle in nested.pickles]),
            storages=storages,
            tensors=tensors,
            anatomy=from_tensors(tensors, storages, contents="exported"),
            problems=(*told(problems), *self.archive.problems),
            extras=tuple(self.extras.items()),
        )


def _last_value(text: str, key: str) -> Any:
    """The value of the last such key. Quotes inside texts are escaped in JSON, so this is a key and no text."""
    at = text.rfind(f'"{key}":')
    if at < 0:
        return None
    start = at + len(key) + 3
    start += len(text) - start - len(text[start:].lstrip())
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None

"""What `torch.save` wrote before 0.1.10: a tar of four members, in which pickles and raw numbers alternate.

torch/serialization.py, `legacy_load` inside `_legacy_load`. `storages`: how many there are, then for each a pickle
(key, location, class), eight bytes with the number of elements, and its bytes; at the end a pickle with the views.
`tensors`: how many, then for each a pickle (key, storage key, class) and its shape as raw numbers. `pickle`: the
object, in which persistent ids stand for tensors and storages.
"""

import struct
from typing import Any

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint, Container, Pickle, Problem, Record, Storage
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES, STORAGE_DTYPES
from modeldoctor.readers.checkpoint.pickle_machine import Run, run
from modeldoctor.readers.checkpoint.pickle_state import MAX_OPCODES
from modeldoctor.readers.checkpoint.pickle_values import TensorValue
from modeldoctor.readers.checkpoint.streams import described
from modeldoctor.readers.checkpoint.tar_directory import Member, read_tar
from modeldoctor.storage import Source, Window

# Storages and tensors that are read: each costs a pickle of its own. Models of 2016 had hundreds.
MAX_ITEMS = 10_000
_MAX_DIMENSIONS = 64  # more than any tensor has
# The pickles of keys name classes and call nothing; so many of those that do are kept.
_ACTS = frozenset({"call", "new", "build"})
MAX_KEPT = 20


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the archive holds. Never raises for content."""
    del sniffed
    tar = read_tar(source)
    windows = {member.name: Window(source, member.offset, member.size_bytes) for member in tar.members}
    reading = _Reading(blank.size_bytes)
    if "storages" in windows:
        reading.read_storages(windows["storages"], _offset(tar.members, "storages"))
    if "tensors" in windows:
        reading.read_tensors(windows["tensors"])
    known = {str(key): tensor for key, tensor in reading.tensors.items()}
    runs = [run(windows[name], member=name, role=role, known=known) for name, role in _ROLES if name in windows]
    main = next((each for each in runs if each.pickle.role == "object"), None)
    problems = [*tar.problems, *reading.problems]
    problems += [Problem("missing-record", "is not in the archive", name) for name in _MEMBERS if name not in windows]
    mixed = main is not None and bool(main.storages)
    if mixed:
        problems.append(Problem("damaged", "refers to storages as later formats do", "pickle"))
    whole = not problems and main is not None and main.pickle.stopped is None
    storages = tuple(reading.storages)
    blank = blank._replace(
        state="understood" if whole else "unreadable",
        container=Container("tar", None, len(tar.members), records=tuple([_record(member) for member in tar.members])),
        pickles=(*(each.pickle for each in runs), *reading.pickles),
        storages=storages,
        problems=tuple(problems),
    )
    return blank if main is None or mixed else described(blank, main)


_ROLES = (("pickle", "object"), ("sys_info", "sys_info"))
_MEMBERS = ("pickle", "storages", "tensors")


def _offset(members: tuple[Member, ...], name: str) -> int:
    return next(member.offset for member in members if member.name == name)


def _record(member: Member) -> Record:
    return Record(member.name, member.size_bytes, member.size_bytes, member.offset, compressed=False)


class _Reading:
    """The state of reading one archive: storages and tensors by the number that stands for them in the object."""

    def __init__(self, file_bytes: int) -> None:
        self.file_bytes = file_bytes
        self.storages: list[Storage] = []
        self.problems: list[Problem] = []
        # Key → (index of the storage, offset in it in elements): views have the same storage.
        self.places: dict[int, tuple[int, int]] = {}
        self.tensors: dict[int, TensorValue] = {}
        # Pickles of keys that do more than name a class.
        self.pickles: list[Pickle] = []
        # Of all of them together, as many as the object alone may have.
        self.opcodes = MAX_OPCODES

    def read_storages(self, source: Source, base: int) -> None:
        """Keys, sizes and places of the storages; their bytes are stepped over."""
        at, number = self.count(source, "storages")
        for _ in range(number):
            made = self.load(source, at, "storages")
            if made is None or not _is_triple(made.value):
                return
            key, location, name = made.value
            head = source.read_at(made.end, 8)
            numel = max(0, int.from_bytes(head, "little", signed=True))
            class_name = str(name)
            dtype = STORAGE_DTYPES.get(class_name.rpartition(".")[2], "unknown")
            needed = numel * ITEM_BYTES.get(dtype, 1)
            stored = max(0, min(needed, source.size - made.end - 8))
            if len(head) < 8 or stored < needed:
                text = f"ends in storage {len(self.storages) + 1} of {number}"
                self.problems.append(Problem("truncated", text, "storages", made.end))
                return
            self.places[key] = (len(self.storages), 0)
            offset = base + made.end + 8
            device = location if isinstance(location, str) else "cpu"
            self.storages.append(
                Storage(str(key), class_name, dtype, numel, needed, device, "storages", stored, at, offset)
            )
            at = made.end + 8 + needed
        views = self.load(source, at, "storages")
        for view in views.value if views is not None and type(views.value) is list else []:
            if _is_view(view) and view[1] in self.places:
                place, offset = self.places[view[1]]
                self.places[view[0]] = (place, offset + view[2])

    def read_tensors(self, source: Source) -> None:
        """Shapes and storages of the tensors."""
        at, number = self.count(source, "tensors")
        for _ in range(number):
            made = self.load(source, at, "tensors")
            if made is None or not _is_triple(made.value):
                return
            dimensions = int.from_bytes(source.read_at(made.end, 4), "little")
            # Four unused bytes follow: the number of dimensions once had eight.
            length = 16 * dimensions + 8
            raw = source.read_at(made.end + 8, length) if dimensions <= _MAX_DIMENSIONS else b""
            if len(raw) < length:
                text = f"ends in tensor {len(self.tensors) + 1} of {number}"
                self.problems.append(Problem("truncated", text, "tensors", made.end))
                return
            numbers = struct.unpack(f"<{2 * dimensions + 1}q", raw)
            key = made.value[1]
            place, first = self.places.get(key, (None, 0)) if type(key) is int else (None, 0)
            storage = None if place is None else self.storages[place]
            self.tensors[made.value[0]] = TensorValue(
                dtype=storage.dtype if storage else "unknown",
                shape=numbers[:dimensions],
                strides=numbers[dimensions:-1],
                storage=place,
                offset=numbers[-1] + first,
                device=storage.device if storage else "cpu",
            )
            at = made.end + 8 + length

    def count(self, source: Source, member: str) -> tuple[int, int]:
        """Where the items begin and how many there are, at most MAX_ITEMS."""
        made = self.load(source, 0, member)
        number = made.value if made is not None and type(made.value) is int else 0
        if number > MAX_ITEMS:
            text = f"has {number:,} items, {MAX_ITEMS:,} of them were read"
            self.problems.append(Problem("limit", text, member))
        return (made.end if made is not None else 0), max(0, min(number, MAX_ITEMS))

    def load(self, source: Source, at: int, member: str) -> Run | None:
        """One of the small pickles; None, and a problem, when it is damaged."""
        made = run(source, at, member=member, role="keys", opcodes=self.opcodes)
        self.opcodes = max(0, self.opcodes - made.pickle.opcode_count)
        if len(self.pickles) < MAX_KEPT and any(event.kind in _ACTS for event in made.pickle.events):
            self.pickles.append(made.pickle)
        if made.pickle.stopped is not None:
            kind = "limit" if made.pickle.stopped.kind == "limit" else "truncated"
            self.problems.append(made.pickle.stopped._replace(kind=kind, member=member))
            return None
        return made


def _is_view(value: Any) -> bool:
    """(key, key of the storage, offset, size)."""
    return type(value) is tuple and len(value) == 4 and all(type(number) is int for number in value)


def _is_triple(value: Any) -> bool:
    return type(value) is tuple and len(value) == 3 and type(value[0]) is int

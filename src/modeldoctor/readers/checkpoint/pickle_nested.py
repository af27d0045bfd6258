"""Pickles inside the values of a pickle, and storages that were pickled as bytes."""

import re
from typing import Any

from modeldoctor.facts.checkpoint import Pickle, Storage
from modeldoctor.readers.checkpoint.dtypes import ITEM_BYTES, STORAGE_DTYPES
from modeldoctor.readers.checkpoint.pickle_state import MAX_DEPTH, MAX_NESTED, Machine
from modeldoctor.readers.checkpoint.pickle_values import Blob, StorageRef
from modeldoctor.storage import Memory, Source, Window

# torch/serialization.py, MAGIC_NUMBER; and the five pickles of the legacy format.
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_LEGACY_ROLES = ("magic", "protocol", "sys_info", "object", "keys")

# The last two of them as torch.save writes them for one storage (TypedStorage.__reduce__), and the element count.
_PLAIN_STORAGE = (
    rb"\x80\x02\(X\x07\0\0\0storageq\0ctorch\n(?P<cls>[A-Za-z0-9]{1,30})\nq\x01X(?P<klen>.)\0\0\0(?P<key>[0-9]{1,30})q\x02"
    rb"X(?P<dlen>.)\0\0\0(?P<device>[a-z0-9:]{1,30})q\x03(?:K(?P<n1>.)|M(?P<n2>..)|J(?P<n4>...[\0-\x7f]))Ntq\x04Q\."
    rb"\x80\x02\]q\0X(?P=klen)\0\0\0(?P=key)q\x01a\..{8}"
)


def examine(m: Machine) -> None:
    """Read the bytes values that begin like a pickle. Those that name nothing before they break are none."""
    for offset, size, data in m.suspects:
        source: Source = Window(m.source, offset, size) if data is None else Memory(data)
        found = [run.pickle for run in _runs(m, source)]
        m.nested += [each for each in found if each.globals or _is_limited(each) or _is_whole(each)]


def _is_whole(pickle: Pickle) -> bool:
    return pickle.stopped is None and pickle.opcode_count > 2


def _is_limited(pickle: Pickle) -> bool:
    return pickle.stopped is not None and pickle.stopped.kind == "limit"


def _runs(m: Machine, source: Source) -> list[Any]:
    """The pickles in a row at the beginning of the source; those of the legacy format by their roles."""
    from modeldoctor.readers.checkpoint.pickle_machine import run

    runs: list[Any] = []
    roles: tuple[str, ...] = ("object",)
    start = 0
    while m.depth < MAX_DEPTH and len(runs) < len(roles) and start < source.size:
        runs.append(run(source, start, role=roles[len(runs)], depth=m.depth + 1, opcodes=m.inner_opcodes))
        m.inner_opcodes = max(0, m.inner_opcodes - runs[-1].pickle.opcode_count)
        start = runs[-1].end
        if runs[-1].pickle.stopped is not None:
            break
        if len(runs) == 1 and type(runs[0].value) is int and runs[0].value == MAGIC_NUMBER:
            roles = _LEGACY_ROLES
            runs[0] = runs[0]._replace(pickle=runs[0].pickle._replace(role="magic"))
    return runs


def storage_in(m: Machine, value: bytes | Blob) -> StorageRef | None:
    """The storage that torch.save wrote into bytes; None when they hold anything else."""
    head = value.head if type(value) is Blob else value
    if type(head) is not bytes:
        return None
    size = value.size_bytes if type(value) is Blob else len(head)
    for prefix in m.prefixes:
        if head.startswith(prefix) and (match := re.compile(_PLAIN_STORAGE, re.DOTALL).match(head, len(prefix))):
            if m.suspects and m.suspects[-1][1] == size:
                m.suspects.pop()  # it was read just now
            return _plain(m, match, size)
    if m.prefixes_tried >= MAX_NESTED:
        return None
    m.prefixes_tried += 1
    runs = _runs(m, Memory(head))
    if len(runs) != len(_LEGACY_ROLES) or any(run.pickle.stopped for run in runs):
        return None
    # What comes before the object is the same for every storage; when it names nothing it need not be read again.
    if not any(run.pickle.globals for run in runs[:3]):
        m.prefixes.append(head[: runs[3].pickle.offset])
    found = runs[3].storages
    if type(runs[3].value) is not StorageRef or len(found) != 1:
        return None
    return _add(m, found[0], size - runs[4].end - 8)


def _plain(m: Machine, match: "re.Match[bytes]", size: int) -> StorageRef | None:
    cls = str(match["cls"], "ascii")
    lengths = (match["klen"][0], match["dlen"][0])
    if cls not in STORAGE_DTYPES or lengths != (len(match["key"]), len(match["device"])):
        return None
    numel = int.from_bytes(match["n1"] or match["n2"] or match["n4"] or b"", "little")
    dtype, device = STORAGE_DTYPES[cls], str(match["device"], "ascii")
    storage = Storage("", f"torch.{cls}", dtype, numel, numel * ITEM_BYTES[dtype], device)
    return _add(m, storage, size - match.end())


def _add(m: Machine, storage: Storage, left: int) -> StorageRef:
    """Take the storage over under a key of its own: the bytes hold one, and keys of different bytes may be equal."""
    stored = max(0, min(left, storage.size_bytes))
    index = len(m.storages)
    m.storages.append(storage._replace(key=f"bytes@{m.position}", stored_bytes=stored, position=m.position))
    return StorageRef(index, storage.dtype, storage.device, 0)

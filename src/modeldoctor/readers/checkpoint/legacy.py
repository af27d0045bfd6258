"""What `torch.save` wrote by default before 1.6: five pickles in a row, then the storages, each behind its length.

torch/serialization.py, `_legacy_save` and `_legacy_load`: magic number, protocol version, system information, the
object, the sorted storage keys; then per key eight little-endian bytes with the number of elements, and the bytes.
"""

import struct

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint, Container, Problem, Storage
from modeldoctor.readers.checkpoint.pickle_machine import Run, run
from modeldoctor.readers.checkpoint.pickle_state import MAX_OPCODES
from modeldoctor.readers.checkpoint.pickle_values import items_of
from modeldoctor.readers.checkpoint.streams import described
from modeldoctor.readers.checkpoint.writer import writer
from modeldoctor.storage import Source
from modeldoctor.wording import count, listing, size

PROTOCOL_VERSION = 1001
# MAGIC_NUMBER 0x1950a86a20f9469cfc6c as the pickle that begins the stream, behind PROTO.
_MAGIC = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"
ROLES = ("magic", "protocol", "sys_info", "object", "keys")


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the stream holds. The bytes of storages are stepped over. Never raises for content."""
    del sniffed
    runs = _run_pickles(source)
    problems: list[Problem] = []
    by_role = dict(zip(ROLES, runs, strict=False))
    if (protocol := by_role.get("protocol")) and protocol.value != PROTOCOL_VERSION:
        text = f"says protocol version {str(protocol.value)[:40]}, torch reads {PROTOCOL_VERSION} only"
        problems.append(Problem("bad-version", text, byte=runs[0].end))
    stopped = runs[-1].pickle.stopped
    if stopped is None and len(runs) < len(ROLES):
        text = f"ends before the pickle of its {ROLES[len(runs)]}"
        problems.append(Problem("truncated", text, byte=source.size))
    main = by_role.get("object")
    blank = blank._replace(
        container=Container("legacy", None, len(runs), version=str(PROTOCOL_VERSION), byteorder=_byteorder(by_role)),
        pickles=tuple([each.pickle for each in runs]),
        state="understood" if len(runs) == len(ROLES) and stopped is None else "unreadable",
    )
    if main is not None:
        storages = main.storages
        if "keys" in by_role and stopped is None:
            storages, found = _locate(source, main, by_role["keys"])
            problems += found
        blank = described(blank._replace(storages=storages), main)
    return blank._replace(problems=(*blank.problems, *problems), writer=writer(blank, main.value if main else None))


def _run_pickles(source: Source) -> list[Run]:
    """The five pickles, or as many as there are."""
    runs: list[Run] = []
    start = 0
    opcodes = MAX_OPCODES
    for role in ROLES:
        if start >= source.size:
            break
        runs.append(run(source, start, role=role, opcodes=opcodes))
        opcodes = max(0, opcodes - runs[-1].pickle.opcode_count)
        start = runs[-1].end
        if runs[-1].pickle.stopped is not None:
            break
    return runs


def _byteorder(by_role: dict[str, Run]) -> str | None:
    info = items_of(by_role["sys_info"].value) if "sys_info" in by_role else None
    little = info.get("little_endian") if info is not None else None
    return {True: "little", False: "big"}.get(little) if isinstance(little, bool) else None


def _locate(source: Source, main: Run, keys: Run) -> tuple[tuple[Storage, ...], list[Problem]]:
    """Where each storage lies: their order is that of the keys, their sizes are known from the object."""
    problems: list[Problem] = []
    index = {storage.key: place for place, storage in enumerate(main.storages)}
    storages = list(main.storages)
    offset = keys.end
    cut: list[str] = []
    order = [str(key) for key in keys.value] if isinstance(keys.value, list) else []
    for key in order:
        place = index.pop(key, None)
        if place is None:
            text = "is listed as a storage, but the object has none of that key: torch refuses it"
            problems.append(Problem("damaged", text, key[:80], keys.pickle.offset))
            break
        storage = storages[place]
        head = source.read_at(offset, 8)
        stored = max(0, min(storage.size_bytes, source.size - offset - 8))
        if len(head) == 8 and struct.unpack("<q", head)[0] != storage.numel:
            text = f"storage {key[:80]} has another number of elements than the object says"
            problems.append(Problem("damaged", text, byte=offset))
            break
        if stored < storage.size_bytes or len(head) < 8:
            cut.append(key)
        storages[place] = storage._replace(stored_bytes=stored, record_offset=offset + 8)
        offset += 8 + storage.size_bytes
    if cut:
        missing = f"{count(len(cut), 'storage')} of {len(order):,} cut or missing"
        problems.append(
            Problem("truncated", f"ends {size(offset - source.size)} too early, {missing}", byte=source.size)
        )
    elif index and not problems:
        text = f"has no bytes: {listing(list(index))} not in the list of storages"
        problems.append(Problem("missing-record", text, times=len(index), byte=keys.pickle.offset))
    elif not problems and offset < source.size:
        problems.append(_behind(source, offset))
    return tuple(storages), problems


def _behind(source: Source, offset: int) -> Problem:
    text = f"{size(source.size - offset)} follow the last storage"
    if source.read_at(offset, 14)[2:] == _MAGIC:
        text += ": a further `torch.save` into the same file, which torch.load does not reach by itself"
    return Problem("appended-data", text, byte=offset)

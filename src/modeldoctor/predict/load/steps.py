"""What a loader meets in a file, in the order it meets it: worked out once for all releases.

A pickle is a row of steps: its events and, where they are first mentioned, the storages that are read then. A file that
is no zip is taken for pickles whatever it is: `of_head` says what its first bytes are as one.
"""

from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint, Pickle, Storage

ZIP_MARK = b"PK\x03\x04"
# Formats whose first 512 bytes Python's tarfile takes for a tar header; zeros are an empty archive to it.
_TARS = frozenset({"torch-tar", "tar"})


# Position, kind, name and detail of an event; further kinds: `storage` (detail: its place), `generator`.
Step = tuple[int, str, str, str | int | None]


class Row(NamedTuple):
    """One pickle. `role` as in `Pickle.role`; `storages` are read within it (zip) or behind all of them (legacy)."""

    role: str
    steps: tuple[Step, ...]


class File(NamedTuple):
    """A checkpoint as loaders see it.

    `kind`: `zip`, `tar`, `stream` (pickles one behind the other, or what is taken for them). `first_member` is the name
    of the first member of a zip. `rows` are what torch.load reads, in order. `cut` is the key of the first storage of a
    legacy stream that the file does not hold whole.
    """

    checkpoint: Checkpoint
    kind: str
    first_member: str
    rows: tuple[Row, ...]
    cut: str | None = None

    @property
    def storages(self) -> tuple[Storage, ...]:
        """The storages, for steps that name them by their place."""
        return self.checkpoint.storages


def look(checkpoint: Checkpoint) -> File:
    """Work out the steps."""
    head = checkpoint.head
    if head[:4] == ZIP_MARK:
        length = int.from_bytes(head[26:28], "little")
        first = head[30 : 30 + length].decode("utf-8", "replace")
        place = f"{first.partition('/')[0]}/data.pkl"
        main = next((each for each in checkpoint.pickles if each.member == place), None)
        return File(checkpoint, "zip", first, (_row(main, checkpoint.storages),) if main else ())
    if checkpoint.format in _TARS or (len(head) == 512 and not head.strip(b"\0")):
        return File(checkpoint, "tar", "", ())
    if checkpoint.pickles and checkpoint.format in {"torch-legacy", "pickle", "joblib"}:
        legacy = checkpoint.format == "torch-legacy"
        pickles = checkpoint.pickles if legacy else checkpoint.pickles[:1]
        rows = [_row(each, checkpoint.storages if each.role == "object" and legacy else ()) for each in pickles]
        return File(checkpoint, "stream", "", tuple(rows), _cut(checkpoint.storages) if legacy else None)
    return File(checkpoint, "stream", "", (of_head(head, checkpoint.size_bytes),))


def _cut(storages: tuple[Storage, ...]) -> str | None:
    for storage in storages:
        if storage.stored_bytes is None or storage.stored_bytes < storage.size_bytes:
            return storage.key
    return None


def _row(pickle: Pickle, storages: tuple[Storage, ...]) -> Row:
    steps: list[Step] = [(event.position, event.kind, event.name, event.detail) for event in pickle.events]
    steps = _with_generators(steps)
    if storages:
        # A storage is read at the opcode that names it, after what else this opcode does.
        steps = sorted([*steps, *_reads(storages)], key=lambda step: step[0])
    return Row(pickle.role, tuple(steps))


def _reads(storages: tuple[Storage, ...]) -> list[Step]:
    """The first storage of each sort: others of that sort are read or not as it is."""
    firsts: dict[tuple[str, ...], Step] = {}
    for place, storage in enumerate(storages):
        stored, folder = storage.stored_bytes, (storage.record or "").rpartition("/")[0]
        size = "" if stored is None or stored == storage.size_bytes else "other"
        sort = (storage.class_name, storage.device, folder, size)
        if sort not in firsts:
            firsts[sort] = (storage.position, "storage", storage.class_name, place)
    return list(firsts.values())


def _with_generators(steps: list[Step]) -> list[Step]:
    """A further step where NumPy is given the class of a bit generator (numpy/random/_pickle.py), not its name."""
    given = ""
    for place, (position, kind, name, _) in enumerate(steps):
        if kind == "global" and name.startswith("numpy.random._") and not name.startswith("numpy.random._pickle "):
            given = name.replace(" ", ".", 1)
        elif kind == "call" and given and name == "numpy.random._pickle __bit_generator_ctor":
            return [*steps[:place], (position, "generator", given, None), *steps[place:]]
    return steps


# --------------------------------------------------------------------------- what is no pickle


def of_head(head: bytes, size: int) -> Row:
    """The first bytes as a pickle: opcodes up to the first that cannot be."""
    import pickletools

    opcodes = {ord(each.code): each for each in pickletools.opcodes}
    steps: list[Step] = []
    depths = [0]
    at = 0
    while True:
        opcode = opcodes.get(head[at]) if at < len(head) else None
        if opcode is None:
            steps.append((at, "stop", *_no_opcode(head, at, size)))
            break
        detail = head[at + 1] if opcode.name == "PROTO" and at + 1 < len(head) else None
        steps.append((at, "opcode", opcode.name, detail))
        end, cause = _operand(head, at, opcode.arg.n if opcode.arg else 0, opcode.name)
        cause = cause or _move(depths, opcode)
        if end > len(head) < size:
            cause = "limit"
        if cause:
            steps.append((at, "stop", opcode.name, cause))
            break
        if opcode.name in {"PERSID", "BINPERSID"}:
            steps.append((at, "persistent", "text", None))
        if opcode.name in {"GLOBAL", "INST"}:
            module, name = head[at + 1 : end].decode("utf-8", "replace").split("\n")[:2]
            steps.append((at, "global", f"{module} {name}", opcode.name))
        if opcode.name == "STOP":
            break
        at = end
    return Row("magic", tuple(steps))


def _no_opcode(head: bytes, at: int, size: int) -> tuple[str, str]:
    if at < len(head):
        return f"0x{head[at]:02x}", "opcode"
    return "", "end" if size <= len(head) else "limit"


# pickletools.ArgumentDescriptor.n: fixed widths, -1 for a line, else lengths of 1, 4, 4 and 8 bytes before the data.
_LENGTHS = {-2: 1, -3: 4, -4: 4, -5: 8}


def _operand(head: bytes, at: int, width: int, name: str) -> tuple[int, str | None]:
    """Where the opcode ends, and what is wrong with its operand (`cut value`: cut, and no text as far as it goes)."""
    if width >= 0:
        end = at + 1 + width
        return end, "cut" if end > len(head) else None
    if width == -1:
        end = at
        for _ in range(2 if name in {"GLOBAL", "INST"} else 1):
            end = head.find(b"\n", end + 1)
            if end < 0:
                return len(head) + 1, "cut" if _is_text(head[at + 1 :]) else "cut value"
        return end + 1, None
    start = at + 1 + _LENGTHS[width]
    end = start + int.from_bytes(head[at + 1 : start], "little")
    if start > len(head) or end > len(head):
        return end, "cut" if start > len(head) else "cut data"
    if "BYTES" not in name and "LONG" not in name and not _is_text(head[start:end]):
        return end, "value"
    return end, None


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _move(depths: list[int], opcode: object) -> str | None:
    """Keep count of the stack; `stack` when the opcode needs what is not there."""
    before = [each.name for each in opcode.stack_before]  # type: ignore[attr-defined]
    if opcode.name == "MARK":  # type: ignore[attr-defined]
        depths.append(0)
        return None
    if "mark" in before:
        if len(depths) == 1:
            return "stack"
        depths.pop()
        before = before[: before.index("mark")]
    if depths[-1] < len(before):
        return "stack"
    depths[-1] += len(opcode.stack_after) - len(before)  # type: ignore[attr-defined]
    return None

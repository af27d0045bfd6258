"""The pickle that holds the object, and whatever stands behind its STOP: loaders ignore it, and things hide there."""

from functools import lru_cache
from typing import Any

from modeldoctor.facts.checkpoint import Checkpoint, Problem, Storage
from modeldoctor.readers.checkpoint.anatomy import Described, describe
from modeldoctor.readers.checkpoint.pickle_machine import Run, run
from modeldoctor.readers.checkpoint.pickle_state import MAX_OPCODES
from modeldoctor.storage import Memory, Source
from modeldoctor.wording import size

# How many pickles in a row are read behind the first one.
MAX_STREAMS = 8
# A pickle up to this size is remembered until the next one comes; it describes some two hundred tensors.
MAX_REMEMBERED_BYTES = 64 << 10


def run_all(
    source: Source, member: str | None, role: str = "object", start: int = 0
) -> tuple[list[Run], list[Problem]]:
    """The pickle at `start` and those behind it, and what is left over. Never raises for content."""
    runs = [run(source, start, member=member, role=role)]
    left_opcodes = MAX_OPCODES - runs[0].pickle.opcode_count
    problems: list[Problem] = []
    while runs[-1].pickle.stopped is None and runs[-1].end < source.size:
        end = runs[-1].end
        further = None
        if len(runs) <= MAX_STREAMS and left_opcodes > 0:
            further = run(source, end, member=member, role="second", opcodes=left_opcodes)
            left_opcodes -= further.pickle.opcode_count
        # Bytes that name nothing before they break are no pickle: they are only left over.
        if further is None or (_is_broken(further) and not further.pickle.globals):
            left = size(source.size - end)
            problems.append(Problem("appended-data", f"{left} follow the end of the pickle", member, end))
            break
        problems.append(Problem("second-pickle", "a further pickle follows the end of the first", member, end))
        runs.append(further)
    return runs, problems


def run_record(data: bytes, member: str, role: str = "object") -> tuple[list[Run], list[Problem]]:
    """`run_all` of a record that was read whole.

    The checkpoints of one training differ in their storages and hardly ever in their pickle: what a small one gave
    serves the next file that has the same.
    """
    if len(data) > MAX_REMEMBERED_BYTES:
        return run_all(Memory(data), member, role)
    runs, problems = _remembered(data, role)
    return [_in(run, member) for run in runs], [problem._replace(member=member) for problem in problems]


@lru_cache(1)
def _remembered(data: bytes, role: str) -> tuple[list[Run], list[Problem]]:
    return run_all(Memory(data), None, role)


def _in(run: Run, member: str) -> Run:
    pickle = run.pickle
    stopped = pickle.stopped and pickle.stopped._replace(member=member)
    return run._replace(pickle=pickle._replace(member=member, stopped=stopped))


def _is_broken(run: Run) -> bool:
    return run.pickle.stopped is not None and run.pickle.stopped.kind != "limit"


def described(checkpoint: Checkpoint, run: Run) -> Checkpoint:
    """The checkpoint with what the object of this pickle is; its storages must be in place."""
    found = _description(run, checkpoint.storages)
    return checkpoint._replace(
        anatomy=found.anatomy,
        tensors=found.tensors,
        outline=found.outline,
        problems=(*checkpoint.problems, *found.problems),
    )


def _description(run: Run, storages: tuple[Storage, ...]) -> Described:
    """What the object of the pickle is: of a remembered one (known by its tuple of events) the same as before.

    Of storages only what the pickle says of their sizes counts for it.
    """
    events = run.pickle.events
    if _described and _described[0] is events and len(storages) == len(run.storages):
        found: Described = _described[1]
        return found
    found = describe(run.value, storages, instances=run.pickle.instances)
    _described[:] = (events, found) if run.pickle.size_bytes <= MAX_REMEMBERED_BYTES else ()
    return found


_described: list[Any] = []

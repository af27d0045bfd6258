"""The pickle that holds the object, and whatever stands behind its STOP: loaders ignore it, and things hide there."""

from modeldoctor.facts.checkpoint import Checkpoint, Problem
from modeldoctor.readers.checkpoint.anatomy import describe
from modeldoctor.readers.checkpoint.pickle_machine import Run, run
from modeldoctor.readers.checkpoint.pickle_state import MAX_OPCODES
from modeldoctor.storage import Source
from modeldoctor.wording import size

# How many pickles in a row are read behind the first one.
MAX_STREAMS = 8


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


def _is_broken(run: Run) -> bool:
    return run.pickle.stopped is not None and run.pickle.stopped.kind != "limit"


def described(checkpoint: Checkpoint, run: Run) -> Checkpoint:
    """The checkpoint with what the object of this pickle is; its storages must be in place."""
    found = describe(run.value, checkpoint.storages, instances=run.pickle.instances)
    return checkpoint._replace(
        anatomy=found.anatomy,
        tensors=found.tensors,
        outline=found.outline,
        problems=(*checkpoint.problems, *found.problems),
    )

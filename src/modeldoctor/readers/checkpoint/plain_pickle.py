"""Pickles that `torch.save` did not write: `pickle.dump`, joblib, scikit-learn and whatever else is in a `.pkl`."""

from modeldoctor.detect import READABLE, Sniffed
from modeldoctor.facts.checkpoint import Checkpoint, Problem
from modeldoctor.readers.checkpoint.pickle_joblib import WRAPPER
from modeldoctor.readers.checkpoint.pickle_machine import Run, run
from modeldoctor.readers.checkpoint.streams import described, run_all
from modeldoctor.storage import Source
from modeldoctor.wording import size


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the pickles hold; the first one is the object. Never raises for content."""
    del sniffed
    runs, problems = run_all(source, None)
    if any(str(found) == WRAPPER for found in runs[0].pickle.globals):
        blank = blank._replace(format="joblib", title=READABLE["joblib"])
        runs, problems = _with_arrays(source, runs, problems)
    first = runs[0]
    checkpoint = blank._replace(
        state="understood" if first.pickle.stopped is None else "unreadable",
        pickles=tuple([each.pickle for each in runs]),
        storages=first.storages,
        problems=(*blank.problems, *problems),
    )
    return described(checkpoint, first)


def _with_arrays(source: Source, plain: list[Run], problems: list[Problem]) -> tuple[list[Run], list[Problem]]:
    """As joblib reads it. What only `pickle.load` meets, in bytes that joblib takes for an array, counts as well."""
    arrays = run(source, arrays=True)
    if arrays.pickle.stopped is not None and plain[0].pickle.stopped is None:
        return plain, problems
    read = (arrays.pickle, *arrays.pickle.nested)
    known = {str(found) for pickle in read for found in pickle.globals}
    hidden = [each for each in plain if any(str(found) not in known for found in each.pickle.globals)]
    behind = source.size - arrays.end
    left = [Problem("appended-data", f"{size(behind)} follow the end of the pickle", byte=arrays.end)] if behind else []
    return [arrays, *(_misread(each) for each in hidden)], left


def _misread(run: Run) -> Run:
    """Where it stops is no damage: joblib goes another way."""
    return run._replace(pickle=run.pickle._replace(role="misread", stopped=None))

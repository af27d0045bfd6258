"""Pickles that `torch.save` did not write: `pickle.dump`, joblib, scikit-learn and whatever else is in a `.pkl`."""

from modeldoctor.detect import Sniffed
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.readers.checkpoint.anatomy import describe
from modeldoctor.readers.checkpoint.streams import run_all
from modeldoctor.storage import Source


def read(source: Source, sniffed: Sniffed, blank: Checkpoint) -> Checkpoint:
    """Fill in what the pickles hold; the first one is the object. Never raises for content."""
    del sniffed
    runs, problems = run_all(source, None)
    first = runs[0]
    described = describe(first.value, first.storages, instances=first.pickle.instances)
    return blank._replace(
        state="understood" if first.pickle.stopped is None else "unreadable",
        pickles=tuple([each.pickle for each in runs]),
        storages=first.storages,
        tensors=described.tensors,
        anatomy=described.anatomy,
        outline=described.outline,
        problems=(*blank.problems, *problems),
    )

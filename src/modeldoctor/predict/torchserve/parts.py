"""What rules about files ask, and the code of an archive answers for the models inside it."""

from modeldoctor.facts.archive import Archive, in_folder
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.predict.torchserve.loading import importable
from modeldoctor.predict.torchserve.weights import initialized_by_stock

# Rules that ask whether the loader says where tensors go, and whether the classes of a pickle are there.
_WHERE = frozenset({"device-tag"})
_CLASSES = frozenset({"full-model-pickle", "project-class"})


def answered(archive: Archive, part: Checkpoint) -> frozenset[str]:
    """Slugs of the rules that have nothing to say of this model, for the archive shows how it is loaded.

    The stock `initialize` loads with `map_location`; so may the handler, which may also trust the file and bring its
    classes.
    """
    names = [name for name, model in archive.models if model.head == part.head and name in (part.member or part.path)]
    found: set[str] = set()
    for name in names:
        if name == archive.worker_model.get("serializedFile") and initialized_by_stock(archive):
            found |= _WHERE
        for act in archive.acts:
            if act.kind == "load" and act.value.kind == "text" and in_folder(act.value.text) == name:
                options = dict(act.options)
                found |= _WHERE if "map_location" in options else set()
                trusted = options.get("weights_only") is False and importable(archive, part)
                found |= _CLASSES if trusted else set()
    return frozenset(found)

from modeldoctor.facts.checkpoint import Container
from tests.rules.builders import STATE, bad, checkpoint, edited, good, problem, repacked, saved, storage, tensor

GONE = problem("missing-record", "is not there: a tensor needs 64 bytes of it", member="archive/data/0")


def tied():
    import torch

    weight = torch.zeros(4, 4)
    return {"embed.weight": weight, "head.weight": weight, "head.bias": torch.zeros(4)}


CASES = [
    bad(
        "a record is gone",
        checkpoint(
            tensors=[tensor("w", storage=0)],
            storages=[storage(record=None, stored_bytes=None)],
            problems=[GONE],
            container=Container("zip", "archive", 5),
        ),
        "1 record of 64 bytes that tensors need is not there: `archive/data/0`",
        "1 tensor: `w`",
        "failed locating file data/0: file not found",
        severity="error",
    ),
    bad("dropped from a zip", repacked(STATE, drop=("data/1",)), "`model/data/1`", "12 bytes", "`b`"),
    bad("tied weights", repacked(saved(tied), drop=("data/0",)), "2 tensors: `embed.weight` and `head.weight`"),
    good("tied weights, whole", saved(tied)),
    good("a state_dict", STATE),
    good("records in another folder", repacked(STATE, rename=lambda name: name.replace("model/data/1", "x/data/1"))),
    good("an empty tensor", saved(lambda: {"e": __import__("torch").empty(0)})),
    good("a cut file", checkpoint(problems=[problem("truncated"), GONE])),
    good("cut for real", edited(STATE, lambda data: data[: len(data) // 2])),
]

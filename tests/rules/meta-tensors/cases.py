from tests.rules.builders import STATE, bad, checkpoint, good, saved, tensor


def offloaded():
    import torch

    return {"kept": torch.ones(2), "lost": torch.ones(3, 3, device="meta")}


CASES = [
    bad(
        "all of them",
        checkpoint(tensors=[tensor("w", layout="meta", device="meta"), tensor("b", layout="meta", device="meta")]),
        "2 tensors are on the meta device: their values",
        "Cannot copy out of meta tensor; no data!",
        severity="error",
    ),
    bad("one by torch", saved(offloaded), "1 tensor of 2 is on the meta device", "`lost`"),
    good("a state_dict", STATE),
    good("a sparse tensor has values", saved(lambda: {"s": __import__("torch").eye(3).to_sparse()})),
]

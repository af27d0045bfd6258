from tests.rules.builders import STATE, bad, good, saved
from tests.rules.pickles import model_of


def training():
    import numpy as np
    import torch

    return {"model": {"w": torch.zeros(2)}, "best_loss": np.float64(0.5), "mean": np.zeros(3)}


def whole(model):
    import numpy as np

    model.mean = np.zeros(3)
    return model


CASES = [
    bad(
        "a loss and a mean",
        saved(training),
        "at `best_loss` and `mean`",
        "multiarray.scalar",
        "torch 2.6 on",
        severity="warning",
    ),
    bad("legacy format", saved(training, _use_new_zipfile_serialization=False), "`best_loss`"),
    bad("for a torch that does not restrict", saved(training), severity="info", torch="2.5.1"),
    bad("for one that does", saved(training), severity="warning", torch="2.6.0"),
    good("plain numbers", STATE),
    good("a whole model is refused for its classes", model_of("shop.nets", wrap=whole)),
]

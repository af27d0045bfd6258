from tests.rules.builders import STATE, bad, checkpoint, good, part, saved, tensor


def parts(*parts, storage_bytes=200):
    return checkpoint(
        path="last.pth.tar",
        tensors=[tensor("w")],
        anatomy={"contents": "training", "parts": parts, "storage_bytes": storage_bytes},
    )


MODEL = part("model", "weights", 100)


def with_average(copy):
    def build():
        import torch

        model = torch.nn.Sequential(torch.nn.Linear(50, 50), torch.nn.Linear(50, 50)).state_dict()
        average = {key: value.clone() if copy else value for key, value in model.items()}
        return {"epoch": 1, "state_dict": model, "state_dict_ema": average}

    return build


CASES = [
    bad(
        "an average",
        parts(MODEL, part("ema", "ema", 100)),
        "in the file 2 times, 100 bytes each: `model` and `ema`",
        '["ema"]',
        "last.pth-weights.pt",
        severity="info",
    ),
    bad("best and last", parts(MODEL, part("best_model", "weights", 100)), "`best_model`"),
    bad("by torch", saved(with_average(copy=True)), "`state_dict_ema`", '["state_dict_ema"]'),
    good("generator and discriminator", parts(part("netG", "weights", 100), part("netD", "weights", 40))),
    good("one storage for both", parts(MODEL, part("ema", "ema", 100), storage_bytes=100)),
    good("one storage by torch", saved(with_average(copy=False))),
    good("weights and optimizer", parts(MODEL, part("optimizer", "optimizer", 200))),
    good("a state_dict", STATE),
]

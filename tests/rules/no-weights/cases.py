from tests.rules.builders import STATE, WALKED, bad, checkpoint, good, part, problem, saved, tensor

SETTINGS = saved(lambda: {"lr": 0.1, "layers": [3, 4, 6, 3], "name": "resnet50"})


def optimizer_alone(path="model.pt"):
    return checkpoint(
        path=path,
        tensors=[tensor("state.0.exp_avg")],
        anatomy={
            "contents": "training",
            "optimizer_bytes": 64,
            "weights_bytes": 0,
            "parts": (part("state", "optimizer", 64),),
        },
    )


CASES = [
    bad("settings", SETTINGS, "the file holds no tensor", "strict=False", severity="warning"),
    bad("settings met while walking", SETTINGS, severity="info", context=WALKED),
    bad("an empty state_dict", saved(dict), "the file holds no tensor"),
    bad("nothing but an optimizer", optimizer_alone(), "optimizer state (64 bytes) and no weights"),
    good("an optimizer by its name", optimizer_alone("checkpoint-500/optimizer.pt")),
    good("arguments by their name", saved(lambda: {"lr": 0.1}, name="training_args.bin")),
    good("a state_dict", STATE),
    good("a damaged file", checkpoint(problems=[problem("missing-record")])),
    good("a bare storage", saved(lambda: {"s": __import__("torch").ones(3).untyped_storage()})),
    good("a plain pickle", checkpoint("pickle")),
]

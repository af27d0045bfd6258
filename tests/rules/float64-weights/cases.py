from tests.rules.builders import STATE, bad, checkpoint, good, part, saved, tensor


def doubles(shape=(500, 500)):
    return checkpoint(tensors=[tensor("fc.weight", shape, "float64"), tensor("fc2.weight", (500, 500))])


def optimizer_only():
    return checkpoint(
        tensors=[tensor("model.w", (500, 500)), tensor("optimizer.state.0.exp_avg", (500, 500), "float64")],
        anatomy={
            "contents": "training",
            "weights_key": "model",
            "parts": (part("model", "weights", 1_000_000), part("optimizer", "optimizer", 2_000_000)),
        },
    )


CASES = [
    bad(
        "a matrix",
        doubles(),
        "1 tensor of the weights is float64: 2.0 MB (67 %)",
        "`fc.weight`",
        "mat1 and mat2 must have the same dtype",
        'torch.load("model.pt", map_location="cpu")',
        severity="warning",
    ),
    bad(
        "by torch",
        saved(lambda: __import__("torch").nn.Linear(200, 200).double().state_dict()),
        "2 tensors",
        "321.6 kB",
    ),
    good("a statistic", doubles(shape=(500,))),
    good("what the optimizer keeps", optimizer_only()),
    good("little in much", checkpoint(tensors=[tensor("a", (2000, 5000)), tensor("b", (130, 100), "float64")])),
    good("a state_dict", STATE),
]

from tests.rules.builders import STATE, bad, checkpoint, good, part, saved, tensor


def training(optimizer=80_000_000, weights=40_000_000, key="state_dict"):
    return checkpoint(
        path="runs/last.ckpt",
        tensors=[tensor("state_dict.w", (1000, 1000))],
        anatomy={
            "contents": "training",
            "weights_key": key,
            "optimizer_bytes": optimizer,
            "weights_bytes": weights,
            "storage_bytes": optimizer + weights,
            "parts": (part("state_dict", "weights", weights), part("optimizer_states", "optimizer", optimizer)),
        },
    )


def trained(optimizer):
    def build():
        import torch

        model = torch.nn.Linear(200, 200)
        made = getattr(torch.optim, optimizer)(model.parameters(), lr=0.1)
        model(torch.ones(1, 200)).sum().backward()
        made.step()
        return {"epoch": 3, "model": model.state_dict(), "optimizer": made.state_dict(), "loss": 0.5}

    return build


def folder_of_trainer(folder):
    """What the Trainer of transformers leaves: the optimizer is a file of its own."""
    import torch

    model = torch.nn.Linear(20, 20)
    made = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 20)).sum().backward()
    made.step()
    path = folder / "optimizer.pt"
    torch.save(made.state_dict(), path)
    return path


def folder_with(optimizer):
    weights = checkpoint("safetensors", path="out/model.safetensors", tensors=[tensor("w")], size_bytes=30_000_000)
    state = {"contents": "training", "optimizer_bytes": optimizer, "weights_bytes": 0}
    other = checkpoint(path="out/optimizer.pt", anatomy=state, tensors=[tensor("state.0")], size_bytes=optimizer)
    return checkpoint(
        "model-folder", path="out", tensors=[tensor("w")], children=[weights, other], size_bytes=50_000_000
    )


CASES = [
    bad(
        "Adam",
        training(),
        "67 % of the tensors are optimizer state: 80.0 MB of 120.0 MB, serving needs the 40.0 MB of weights",
        'torch.save(torch.load("last.ckpt", map_location="cpu")["state_dict"], "last-weights.pt")',
        "`optimizer_states`",
        severity="warning",
    ),
    bad("a nested key", training(key="net.ema"), '["net"]["ema"]'),
    bad("a key with code in it", training(key='x"]; evil(); y["'), "['x\"]; evil(); y[\"']"),
    bad("no key known", training(key=None), "model.state_dict()"),
    bad("a few numbers", training(optimizer=400, weights=4_000_000), severity="info"),
    bad(
        "a folder of the Trainer",
        folder_with(20_000_000),
        "`optimizer.pt` is optimizer state: 20.0 MB of 50.0 MB (40 %)",
        "save_only_model=True",
        severity="warning",
    ),
    good("a folder with a small optimizer", folder_with(10_000)),
    bad("written by torch", saved(trained("Adam")), "67 %", '["model"]', "the key `model`", severity="warning"),
    good("SGD without momentum has no state", saved(trained("SGD"))),
    good("a state_dict", STATE),
    good("an optimizer file of its own", folder_of_trainer),
    good("keys that only sound like it", saved(lambda: {"optimizer.weight": __import__("torch").ones(3)})),
]

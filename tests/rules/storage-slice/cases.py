from tests.rules.builders import STATE, bad, checkpoint, good, saved, storage, tensor


def slices(numel=1_000_000, shape=(10, 10), count=1):
    names = [f"head{number}.weight" for number in range(count)]
    return checkpoint(
        tensors=[tensor(name, shape, storage=0, offset=100 * number) for number, name in enumerate(names)],
        storages=[storage(numel=numel)],
    )


def benign():
    """Every way in which real models share or fold storages without wasting any."""
    import torch

    base = torch.arange(24.0)
    lstm = torch.nn.LSTM(4, 4)
    lstm.flatten_parameters()
    flat = torch.zeros(100)
    return {
        "tied": [base, base],
        "turned": torch.ones(4, 6).T,
        "halves": [flat[:50].view(5, 10), flat[50:]],
        "wide": torch.ones(1).expand(1000),
        "lstm": lstm.state_dict(),
        "scalar": torch.tensor(3),
        "empty": torch.empty(0),
    }


def new_types():
    """They lie in storages of bytes."""
    import torch

    return {name: torch.zeros(8, dtype=getattr(torch, name)) for name in ("uint16", "uint64", "float8_e4m3fn")}


CASES = [
    bad(
        "a hundred of a million",
        slices(),
        "4.0 MB of 4.0 MB (over 99 %) belong to no tensor",
        "`head0.weight` shows 400 bytes of 4.0 MB",
        "clone()",
        severity="warning",
    ),
    bad("two slices of one storage", slices(count=2), "2 tensors: `head0.weight` and `head1.weight`"),
    bad("a crumb", slices(numel=110), "40 bytes of 440 bytes", severity="info"),
    bad(
        "a slice by torch",
        saved(lambda: {"w": __import__("torch").zeros(1000, 1000)[:10]}),
        "4.0 MB of 4.0 MB",
        "`w` shows 40.0 kB of 4.0 MB",
    ),
    good("sharing without waste", saved(benign)),
    good("types that have no storage class", saved(new_types)),
    good("a state_dict", STATE),
    good("cloned", saved(lambda: {"w": __import__("torch").zeros(1000, 1000)[:10].clone()})),
]

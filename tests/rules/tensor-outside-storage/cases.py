from tests.rules.builders import STATE, bad, checkpoint, good, problem, repacked, saved, storage, tensor


def viewing(shape, offset=0, numel=16, **fields):
    return checkpoint(tensors=[tensor("w", shape, storage=0, offset=offset, **fields)], storages=[storage(numel=numel)])


def views():
    import torch

    base = torch.arange(16.0)
    return {
        "all": base,
        "tail": base[12:],
        "every": base[::2],
        "turned": base.reshape(4, 4).T,
        "wide": base[:1].expand(99),
    }


CASES = [
    bad(
        "too large",
        viewing((9, 4)),
        "1 tensor reaches beyond its storage: `w`",
        "36 elements",
        "16 elements",
        severity="error",
    ),
    bad("too far", viewing((4, 4), offset=1), "17 elements"),
    bad(
        "an edited shape",
        repacked(STATE, change={"data.pkl": lambda data: data.replace(b"K\x04K\x04\x86", b"K\x09K\x04\x86", 1)}),
        "1 tensor reaches beyond its storage",
        "`w`",
    ),
    good("views of every kind", saved(views)),
    good("an empty tensor", saved(lambda: {"e": __import__("torch").empty(0, 3)})),
    good("a state_dict", STATE),
    good("nothing at the very end", viewing((0, 4), offset=16)),
    good("a storage of bytes counts otherwise", viewing((4, 4), numel=64, dtype="float16")),
    good("a cut file has its own rule", viewing((9, 4))._replace(problems=(problem("truncated"),))),
]

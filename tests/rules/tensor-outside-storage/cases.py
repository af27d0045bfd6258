from tests.rules.builders import STATE, bad, checkpoint, good, problem, repacked, saved

OUTSIDE = problem("tensor-outside-storage", "`w` needs 144 bytes of a storage of 64", times=2)


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
    bad("by hand", checkpoint(problems=[OUTSIDE]), "2 tensors reach beyond their storage", "144", severity="error"),
    bad(
        "an edited shape",
        repacked(STATE, change={"data.pkl": lambda data: data.replace(b"K\x04K\x04\x86", b"K\x09K\x04\x86", 1)}),
        "1 tensor reaches beyond its storage",
        "`w`",
    ),
    good("views of every kind", saved(views)),
    good("an empty tensor", saved(lambda: {"e": __import__("torch").empty(0, 3)})),
    good("a state_dict", STATE),
]

import torch
from torch import nn

from tests.rules.builders import bad, good
from tests.rules.verdicts import made, sample


def old_gelu(folder):
    """`nn.GELU` as torch 1.10 and older pickled it: without `approximate`."""
    module = nn.Sequential(nn.Linear(4, 4), nn.GELU())
    del module[1].__dict__["approximate"]
    path = folder / "gelu.pt"
    torch.save(module, path)
    return path


def gelu(folder):
    path = folder / "gelu.pt"
    torch.save(nn.Sequential(nn.Linear(4, 4), nn.GELU()), path)
    return path


CASES = [
    bad(
        "GELU of torch 1.10",
        made(old_gelu, torch="2.13.0"),
        "its forward pass fails",
        "'GELU' object has no attribute 'approximate'",
        severity="error",
    ),
    good("GELU of today", made(gelu, torch="2.13.0")),
    good("GELU of torch 1.10 in torch 1.10", made(old_gelu, torch="1.10.2")),
    good("a state_dict has no forward pass", sample("state_dict.pt", torch="2.13.0")),
]

from tests.rules.builders import bad, good, skipped
from tests.rules.verdicts import sample

CASES = [
    bad("float8 before 2.2", sample("dtypes.pt", torch="2.1.0"), "torch 2.1.0 cannot load", "_rebuild_tensor_v3", severity="error"),
    bad("no target: the releases that fail", sample("dtypes.pt"), "torch 2.0 – 2.2 cannot load", severity="warning"),
    bad("a newer export", sample("exported.pt2", torch="2.6.0"), "exported programs", severity="error"),
    bad("a numpy that lacks the module", sample("training_numpy.pt", torch="2.3.0", numpy="1.24.4"), "numpy._core", severity="error"),
    good("the torch that wrote it", sample("dtypes.pt", torch="2.13.0")),
    good("a state_dict of 2.13 in a torch of 2020", sample("state_dict.pt", torch="1.7.1")),
    good("a state_dict without a target", sample("state_dict.pt")),
    good("refused, and MDR302 says so", sample("full_model.pt", torch="2.6.0")),
    good("tagged with a GPU on a host without, which MDR223 says", sample("tagged_cuda0.pt", torch="2.6.0", gpus="none")),
    good("safetensors", sample("model.safetensors", torch="2.6.0")),
    skipped("newer than the tables: unknown", sample("dtypes.pt", torch="3.4.0"), "nobody can tell torch 3.4.0"),
]  # fmt: skip

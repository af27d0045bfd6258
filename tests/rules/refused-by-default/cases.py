from modeldoctor.facts.environment import Value
from modeldoctor.facts.verdict import Loading
from tests.rules.builders import bad, good
from tests.rules.verdicts import sample

TRUSTED = Loading(weights_only=Value("False", "app.py:3"))
ALLOWED = Loading(
    allowed=tuple(f"torch.nn.modules.{name}" for name in ("container.Sequential", "linear.Linear", "activation.ReLU"))
)

CASES = [
    bad(
        "a whole module",
        sample("full_model.pt", torch="2.6.0"),
        "torch 2.6.0 refuses the file by default: `shop.nets.Classifier`",
        "safe_globals",
        "UnpicklingError",
        severity="error",
    ),
    bad("no target", sample("full_model.pt"), "torch 2.6 – 2.15 refuse", severity="warning"),
    bad("torch's own classes", sample("sequential.pt", torch="2.13.0"), "torch.nn.modules.container.Sequential", severity="error"),
    bad("a NumPy scalar", sample("training_numpy.pt", torch="2.6.0"), "numpy._core.multiarray.scalar", severity="error"),
    bad(
        "the project asks for it in an older torch",
        sample("full_model.pt", torch="2.4.0", loading=Loading(weights_only=Value("True", "app.py:3"))),
        "shop.nets.Classifier",
        severity="error",
    ),
    good("a state_dict", sample("state_dict.pt", torch="2.6.0")),
    good("a checkpoint with Adam state", sample("training.pt", torch="2.13.0")),
    good("torch 2.5 does not restrict", sample("full_model.pt", torch="2.5.1")),
    good("the project trusts the file", sample("full_model.pt", torch="2.6.0", loading=TRUSTED)),
    good("the project allows the names", sample("sequential.pt", torch="2.6.0", loading=ALLOWED)),
    good("NumPy values without a target, which MDR211 says", sample("training_numpy.pt")),
    good("TorchScript through its own loader", sample("scripted.pt", torch="2.6.0")),
]  # fmt: skip

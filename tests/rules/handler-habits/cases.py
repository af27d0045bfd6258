from tests.rules.archives import NET, OWN, mar, sample, weights
from tests.rules.builders import bad, good

CASES = [
    bad(
        "no eval",
        mar(
            {"handler.py": OWN.replace(b"self.model.eval()", b"pass"), "model.py": NET, "model.pth": weights()},
            serializedFile="model.pth",
        ),
        "`eval()`",
        severity="info",
    ),
    bad(
        "gradients",
        mar(
            {
                "handler.py": OWN.replace(b"torch.inference_mode()", b"open('x')"),
                "model.py": NET,
                "model.pth": weights(),
            },
            serializedFile="model.pth",
        ),
        "inference_mode",
    ),
    good("both", sample("good_own_loading.mar")),
    good("of the server", sample("good_based.mar")),
]

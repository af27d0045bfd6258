from tests.rules.archives import NET, OWN, eager, mar, sample, weights
from tests.rules.builders import bad, good

CASES = [
    bad("another shape", sample("weights_other_shape.mar"), "has the shape", torch="2.13.0"),
    bad("other keys", sample("weights_other_keys.mar"), "not there", "`fc.weight`", torch="2.13.0"),
    bad("wrapped", sample("weights_wrapped.mar"), "training checkpoint", torch="2.13.0"),
    bad("a wrapper's prefix", sample("weights_parallel.mar"), "`module.`", torch="2.13.0"),
    good("fits", eager(), torch="2.13.0"),
    good(
        "not strict",
        mar(
            {
                "handler.py": OWN.replace(b"weights_only=True))", b"weights_only=True), strict=False)"),
                "model.py": NET.replace(b"self.fc", b"self.head"),
                "model.pth": weights(),
            },
            serializedFile="model.pth",
        ),
    ),
    good(
        "a class that cannot be read",
        eager(
            {
                "model.py": NET.replace(
                    b"self.fc = nn.Linear(4, 2)",
                    b"for name in ['fc']:\n            setattr(self, name, nn.Linear(4, 2))",
                )
            }
        ),
    ),
]

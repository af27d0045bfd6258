from tests.rules.builders import bad, good
from tests.rules.projects import HOST, skew

CASES = [
    bad(
        "a comparison with a local version",
        skew(f"--extra-index-url {HOST}/whl/cu121\ntorch>=2.0.0+cu121\n"),
        "only `==` may carry `+cu121`",
        "`torch==2.0.0+cu121`",
        "`torch>=2.0.0`",
        severity="error",
    ),
    bad("a conda habit", skew("torch=2.1.0\n"), "`=` is no operator", "`torch==2.1.0`"),
    bad("no version", skew("torch==banana\n"), "`torch==banana` is not valid"),
    bad("a star", skew("torch>=1.7.*\n"), "torch>=1.7.*"),
    bad(
        "in pyproject.toml",
        skew({"pyproject.toml": '[project]\ndependencies = ["torch>=2.0+cu118"]\n'}),
        "pyproject.toml",
    ),
    bad("in Poetry", skew({"pyproject.toml": '[tool.poetry.dependencies]\ntorch = "latest"\n'}), "no constraint"),
    good("valid", skew("torch==2.1.0\ntorch-foo>=1,<2 ; python_version < '3.9'\n")),
    good("an exact local version", skew(f"--extra-index-url {HOST}/whl/cu121\ntorch==2.1.0+cu121\n")),
    good(
        "Poetry has rules of its own", skew({"pyproject.toml": '[tool.poetry.dependencies]\ntorch = "^2.2.0+cu121"\n'})
    ),
]

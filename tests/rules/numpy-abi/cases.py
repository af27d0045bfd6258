from tests.rules.builders import bad, good, skipped
from tests.rules.projects import skew

CASES = [
    bad(
        "pinned",
        skew("torch==2.2.2\nnumpy==2.0.2\n"),
        "numpy 2.0.2 is pinned",
        "torch 2.2.2",
        "numpy<2",
        severity="error",
    ),
    bad("left open", skew("torch==2.2.2\nnumpy\n", python="3.11"), "pip installs 2.4.6", severity="warning"),
    bad(
        "comes along",
        skew("torch==2.1.0\ntorchvision==0.16.0\n", python="3.10"),
        "comes with torchvision",
        "2.2.6",
        severity="warning",
    ),
    bad("a lower bound only", skew("torch==1.13.1\nnumpy>=1.20\n", python="3.9"), "2.0.2", severity="warning"),
    bad(
        "Windows needs 2.4.1", skew("torch==2.4.0\nnumpy==2.0.2\n", platform="windows"), "on Windows", severity="error"
    ),
    bad(
        "a lock",
        skew(
            {
                "poetry.lock": '[[package]]\nname = "torch"\nversion = "2.1.0"\n[[package]]\nname = "numpy"\nversion = "2.1.0"\n'
            }
        ),
        "poetry.lock",
    ),
    good("NumPy 1", skew("torch==2.2.2\nnumpy==1.26.4\n")),
    good("limited", skew("torch==2.2.2\nnumpy<2\n")),
    good(
        "limited by a constraint",
        skew({"requirements.txt": "torch==2.2.2\nnumpy\n-c limits.txt\n", "limits.txt": "numpy<2\n"}),
    ),
    good("torch 2.3", skew("torch==2.3.0\nnumpy==2.0.2\n")),
    good("torch 2.4.0 on Linux", skew("torch==2.4.0\nnumpy==2.0.2\n")),
    good("torch 2.4.1 on Windows", skew("torch==2.4.1\nnumpy==2.0.2\n", platform="windows")),
    good("no NumPy 2 for this Python", skew("torch==1.13.1\nnumpy\n", python="3.8")),
    good("nothing brings NumPy", skew("torch==2.1.0\nflask\n", python="3.11")),
    good("torch is not pinned", skew("torch\nnumpy==2.1.0\n")),
    skipped(
        "a package that may limit it", skew("torch==2.1.0\nnumpy\ntensorflow==2.13.0\n", python="3.11"), "tensorflow"
    ),
]

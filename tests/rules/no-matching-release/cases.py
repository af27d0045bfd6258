from tests.rules.builders import bad, good, skipped
from tests.rules.projects import HOST, skew

CASES = [
    bad("never released", skew("torch==2.5.2\n"), "no torch 2.5.2", "2.5.1 and 2.6.0", severity="error"),
    bad("never released, a companion", skew("torch==2.7.1\ntorchvision==0.22.2\n"), "no torchvision 0.22.2", "0.22.1"),
    bad("bounds that exclude each other", skew("torch>=2.0,<1.13\n"), "excludes every release"),
    bad("the Python leaves nothing", skew("torch>=1.8,<1.10\n", python="3.11"), "which have no wheel for Python 3.11"),
    good("released", skew("torch==2.5.1\n")),
    good("a range with releases", skew("torch>=2.0,<2.2\n")),
    good("LTS has an index of its own", skew(f"-f {HOST}/whl/lts/1.8/torch_lts.html\ntorch==1.8.2+cu111\n")),
    good("a private index", skew("-i https://nexus.example/simple\ntorch==2.5.2\n")),
    good("a pre-release", skew("torch==2.6.0.dev20250101\n")),
    good("torch comes with a package of another number", skew("fastai==2.1.10\n")),
    skipped("newer than the tables", skew("torch==99.0\n"), "newer than the tables"),
]

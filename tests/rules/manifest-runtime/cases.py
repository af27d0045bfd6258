from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad("unknown", mar(top={"runtime": "python2.7"}), "`python2.7`", severity="error"),
    bad("python3", mar(top={"runtime": "python3"}), "first `python3` on PATH", severity="warning"),
    bad("C++", mar(top={"runtime": "LSP"}), "C++ backend", severity="error"),
    good("python", mar()),
    good("none", mar(top={"runtime": None})),
]

from tests.rules.builders import bad, good, skipped
from tests.rules.projects import HOST, skew

CASES = [
    bad(
        "another version",
        skew("torch==2.6.0\ntriton==3.0.0\n"),
        "triton 3.0.0 is pinned",
        "triton==3.2.0",
        "delete the pin",
        severity="error",
    ),
    bad("a range from 2.14 on", skew("torch==2.14.0\ntriton==3.7.1\n"), "triton~=3.8.0"),
    good("the same version", skew("torch==2.6.0\ntriton==3.2.0\n")),
    good("inside the range", skew("torch==2.14.0\ntriton==3.8.1\n")),
    good("not pinned", skew("torch==2.6.0\ntriton\n")),
    good("a CPU build asks for none", skew(f"-i {HOST}/whl/cpu\ntorch==2.6.0\ntriton==3.0.0\n")),
    good("Windows", skew("torch==2.6.0\ntriton==3.0.0\n", platform="windows")),
    skipped("a torch that is not known", skew(f"-i {HOST}/whl/cu124\ntorch==99.0+cu124\ntriton==3.0.0\n"), "newer"),
]

from tests.rules.builders import bad, good
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "an index behind a requirement",
        skew(f"torch --index-url {HOST}/whl/cu118\n"),
        "pip ignores `--index-url`",
        "a line of its own",
        severity="warning",
    ),
    bad(
        "an unquoted comparison",
        skew(docker("RUN pip install torch>=2.0")),
        "is not quoted",
        "`=2.0`",
        "in quotes",
        severity="warning",
    ),
    bad(
        "an unquoted comparison that fails",
        skew(docker("RUN pip install torch<2.0")),
        "the command fails",
        severity="error",
    ),
    bad(
        "an option that does not exist",
        skew("--nonsense\ntorch\n"),
        "`--nonsense` is no option of pip",
        severity="error",
    ),
    good("quoted", skew(docker("RUN pip install 'torch>=2.0' --extra-index-url https://x/whl/cpu > log.txt 2>&1"))),
    good("a line of its own", skew(f"--extra-index-url {HOST}/whl/cu118\ntorch==2.1.0 --hash=sha256:00\n")),
]

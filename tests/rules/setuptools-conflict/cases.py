from tests.rules.builders import bad, good
from tests.rules.projects import skew

CASES = [
    bad(
        "limited by METADATA",
        skew("torch==2.12.0\nsetuptools==82.0.0\n"),
        "asks for setuptools<82",
        "write `setuptools<82`",
        severity="error",
    ),
    bad("too old", skew("torch==2.13.0\nsetuptools==65.5.0\n"), "asks for setuptools>=77.0.3", "delete the pin"),
    bad(
        "extensions need pkg_resources",
        skew("torch==2.1.0\nsetuptools==82.0.1\ndeepspeed\n"),
        "pkg_resources",
        severity="warning",
    ),
    good("below 82", skew("torch==2.12.0\nsetuptools==81.0.0\n")),
    good("nothing compiles", skew("torch==2.1.0\nsetuptools==82.0.1\n")),
    good("no bound in between", skew("torch==2.6.0\nsetuptools==82.0.1\ndeepspeed\n")),
    good("not pinned", skew("torch==2.12.0\nsetuptools\n")),
]

from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad(
        "installed",
        mar(requirementsFile="requirements.txt", properties="install_py_dep_per_model=true\n"),
        "not in the archive",
        severity="error",
    ),
    bad("never read", mar(requirementsFile="requirements.txt"), "not in the archive", severity="info"),
    good("packed", mar({"requirements.txt": b"\n"}, requirementsFile="requirements.txt")),
]

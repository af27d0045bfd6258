from tests.rules.archives import mar
from tests.rules.builders import bad, edited, good

CASES = [
    bad(
        "not UTF-8",
        edited(mar({"X.txt": b""}), lambda data: data.replace(b"X.txt", b"\xff.txt")),
        "not UTF-8",
        severity="error",
    ),
    bad("not ASCII", mar({"étiquettes.txt": b""}), "outside ASCII", severity="info"),
    good("ASCII", mar({"labels.txt": b""})),
]

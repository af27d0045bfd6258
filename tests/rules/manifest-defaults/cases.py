from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad("no version", mar(modelVersion=None), "`modelVersion`", severity="info"),
    bad("by hand", mar(top={"createdOn": None, "archiverVersion": None}), "`createdOn` and `archiverVersion`"),
    good("all", mar()),
]

from tests.rules.archives import mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("a parent", sample("zip_slip.mar"), "`../evil.txt`", "Detected Zip Slip vulnerability"),
    bad("in the middle", mar({"a/../../x": b""}), "a/../../x"),
    good("inside all the time", mar({"a/../x": b""})),
    good("absolute", mar({"/etc/x": b""})),
]

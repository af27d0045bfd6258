from tests.rules.archives import mar
from tests.rules.builders import bad, good

CASES = [
    bad("a large text", mar({"index_to_name.json": b" " * (5 << 20)}), "index_to_name.json", severity="info"),
    good("a small one", mar({"index_to_name.json": b"{}"})),
]

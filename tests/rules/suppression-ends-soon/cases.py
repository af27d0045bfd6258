from modeldoctor.facts.suppression import Suppression
from tests.rules.builders import bad, good

SOON = Suppression("config", "pyproject.toml", 9, ("MDR201",), pattern="old.pt", reason="ticket 8", until="2026-06-30",
                   days_left=14, used=2)  # fmt: skip

CASES = [
    bad("fourteen days before", SOON, "ends in 14 days, on 2026-06-30, and still hides 2 findings", severity="warning"),
    bad("tomorrow", SOON._replace(days_left=1), "ends in 1 day,"),
    bad("on its last day", SOON._replace(days_left=0), "ends today"),
    good("fifteen days before", SOON._replace(days_left=15)),
    good("after its last day", SOON._replace(days_left=-1)),
    good("no longer needed", SOON._replace(used=0)),
    good("without a date", SOON._replace(until="", days_left=None)),
]

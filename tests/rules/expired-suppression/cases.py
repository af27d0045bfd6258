from modeldoctor.facts.suppression import Suppression
from tests.rules.builders import bad, good

PAST = Suppression("config", "pyproject.toml", 9, ("MDR201",), pattern="old.pt", reason="ticket 8", until="2026-06-30",
                   days_left=-1, used=2)  # fmt: skip

CASES = [
    bad("the day after", PAST, "expired on 2026-06-30, and 2 findings came back", "`old.pt`", "ticket 8"),
    bad("one finding", PAST._replace(used=1), "1 finding came back", severity="warning"),
    good("on its last day", PAST._replace(days_left=0)),
    good("without a date", PAST._replace(until="", days_left=None)),
    good("expired, but no longer needed", PAST._replace(used=0)),
    good("expired, but not looked at", PAST._replace(used=None)),
]

from modeldoctor.facts.suppression import Suppression
from tests.rules.builders import bad, good

ENTRY = Suppression("baseline", "b.json", 4, ("MDR201",), pattern="old.pt", reason="the file pickles it", used=0)

CASES = [
    bad("an entry whose finding is gone", ENTRY, "`old.pt` has no MDR201 any more", "accepted: the file pickles it", "b.json",
        severity="info"),
    good("a comment", ENTRY._replace(kind="inline")),
]  # fmt: skip

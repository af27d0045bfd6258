from modeldoctor.facts.suppression import Suppression
from tests.rules.builders import bad, good

INLINE = Suppression("inline", "views.py", 3, ("MDR501",), 10, reason="only once", used=0)
CONFIG = Suppression("config", "pyproject.toml", 9, ("MDR2", "half-on-cpu"), pattern="legacy/**", reason="old", used=0)

CASES = [
    bad("a comment", INLINE, "`MDR501` hides nothing", "reason: only once", "views.py", severity="warning"),
    bad("a comment for a file", INLINE._replace(kind="file"), "hides nothing"),
    bad("an entry of the configuration", CONFIG, "`MDR2` and `half-on-cpu` for `legacy/**`", "pyproject.toml"),
    bad("one that has expired", CONFIG._replace(until="2026-01-01", days_left=-3), "hides nothing"),
    good("in use", INLINE._replace(used=1)),
    good("about what was not looked at", INLINE._replace(used=None)),
    good("not understood, which is another rule's", INLINE._replace(problem="no rule is called `x`")),
    good("an entry of the baseline", Suppression("baseline", "b.json", 4, ("MDR201",), used=0)),
]

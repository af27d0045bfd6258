from modeldoctor.facts.suppression import Suppression
from tests.rules.builders import bad, good

COMMENT = Suppression("inline", "views.py", 3, ("MDR5O1",), 10)

CASES = [
    bad("an unknown code", COMMENT._replace(problem="no rule is called `MDR5O1`; did you mean `MDR501`?"),
        "suppresses nothing: no rule is called `MDR5O1`; did you mean `MDR501`?", "views.py", severity="warning"),
    good("a known code", COMMENT._replace(codes=("MDR501",), used=0)),
]  # fmt: skip

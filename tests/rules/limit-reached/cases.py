from tests.rules.builders import STATE, STRICT_WALKED, WALKED, bad, checkpoint, good, problem

LIMIT = problem("limit", "its directory of 300,000 members is above the limit of 250,000 members")
DEEP = problem("nested-limit", "archives are entered 3 levels deep")

CASES = [
    bad("named by the user", checkpoint(problems=[LIMIT]), "300,000 members", "inspect model.pt", severity="error"),
    bad("walked", checkpoint(problems=[LIMIT]), "was not checked", severity="warning", context=WALKED),
    bad("walked, strict", checkpoint(problems=[LIMIT]), severity="error", context=STRICT_WALKED),
    bad("only the depth of archives", checkpoint(problems=[DEEP]), "3 levels", severity="warning"),
    bad("several limits, one finding", checkpoint(problems=[LIMIT, DEEP]), "300,000 members", "3 levels"),
    good("a state_dict", STATE),
    good("damage is no limit", checkpoint(problems=[problem("damaged")])),
]

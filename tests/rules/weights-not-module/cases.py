from tests.rules.archives import sample
from tests.rules.builders import bad, good

CASES = [
    bad("used", sample("weights_state_as_module.mar"), "uses it as a module", "`eval`"),
    good("loaded into one", sample("good_own_loading.mar")),
]

from modeldoctor.facts.verdict import Code
from modeldoctor.rules.base import Context
from tests.rules.builders import bad, good
from tests.rules.verdicts import sample


def net(status, **more):
    """The sample that needs `shop.nets.Classifier`, with what became of that."""
    return sample("full_model.pt", code=(Code("shop.nets", ("Classifier",), status, **more),))


CASES = [
    bad("moved", net("moved", elsewhere="app/nets.py:4"), "`Classifier` of `shop.nets`", "app/nets.py:4", severity="error"),
    bad("in no file", net("missing"), "no such module", "No module named 'shop'", severity="error"),
    bad("the class is gone", net("no such name", place="shop/nets.py"), "does not define it", "Can't get attribute", severity="error"),
    bad("nothing installs it", net("not installed", place="requirements.txt", elsewhere="shop-nets"), "nothing installs `shop-nets`", severity="warning"),
    bad("a local folder hides it", net("shadowed", place="shop/__init__.py"), "stands in for", severity="error"),
    good("found", net("found", place="shop/nets.py")),
    good("a package, and no list of packages", net("unknown", elsewhere="shop-nets")),
    good("trusted", net("missing"), context=Context(trusted_globals=("shop.*",))),
    good("a state_dict", sample("state_dict.pt")),
]  # fmt: skip

from tests.rules.archives import ECHO, handled, sample
from tests.rules.builders import bad, good

CASES = [
    bad("two", handled(ECHO + b"\n\nclass Other:\n    pass\n"), "2 classes of its own (`Echo` and `Other`)"),
    bad("an enum", sample("handler_enum.mar"), "2 classes"),
    bad("a namedtuple", sample("handler_namedtuple.mar"), "2 classes"),
    bad("a second name", sample("handler_alias.mar"), "2 classes"),
    bad("none", sample("handler_no_class.mar"), "no class of its own"),
    good("a function", sample("good_many_classes_with_function.mar")),
    good("imported ones", handled(b"from enum import Enum\nfrom pathlib import Path\n\n" + ECHO)),
    good("perhaps", handled(b"import sys\nif sys.platform == 'linux':\n    class Extra:\n        pass\n\n" + ECHO)),
    good("deleted", handled(ECHO + b"\n\nclass Extra:\n    pass\n\n\ndel Extra\n")),
]

from tests.rules.archives import ECHO, handled, sample
from tests.rules.builders import bad, good

CASES = [
    bad("no handle", handled(ECHO.replace(b"def handle", b"def predict")), "no `handle`"),
    bad("no initialize", handled(ECHO.replace(b"def initialize", b"def setup")), "no `initialize`"),
    bad("near", handled(ECHO.replace(b"def initialize", b"def initialise")), "did you mean `initialise`?"),
    good("inherited", sample("good_inherited.mar")),
    good("of the server", sample("good_based.mar")),
    good("of nobody knows whom", handled(b"from acme import Base\n\n\nclass H(Base):\n    pass\n")),
    good(
        "an attribute",
        handled(
            b"class H:\n    initialize = print\n    def __init__(self):\n        self.handle = lambda data, context: data\n"
        ),
    ),
]

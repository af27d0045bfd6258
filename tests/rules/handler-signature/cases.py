from tests.rules.archives import ECHO, handled, sample
from tests.rules.builders import bad, good

CASES = [
    bad(
        "handle",
        handled(ECHO.replace(b"(self, data, context)", b"(self, data)")),
        "handle(data, context)",
        "3 were given",
    ),
    bad("initialize", sample("handler_initialize_takes_nothing.mar"), "initialize(context)"),
    bad("init", handled(ECHO + b"\n    def __init__(self, cfg):\n        pass\n"), "wants `cfg`"),
    bad("a function", handled(b"def handle(data):\n    return [1 for _ in data or []]\n"), "handle(data, context)"),
    bad("abstract", sample("handler_abstract.mar"), "abstract"),
    good("defaults and more", sample("good_init_defaults.mar")),
    good("static", sample("good_static_handle.mar")),
    good(
        "decorated",
        handled(ECHO.replace(b"    def handle(self, data, context)", b"    @timed\n    def handle(self, data)")),
    ),
]

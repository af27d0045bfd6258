from tests.rules.archives import mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("none", mar(handler=None), "names no handler", "ts.torch_handler./"),
    bad("no manifest", sample("manifest_absent.mar"), "nobody names a handler"),
    good("the default of the server", mar(handler=None, properties="default_service_handler=handler.py\n")),
    good("named", mar()),
]

from tests.rules.archives import configured
from tests.rules.builders import bad, good

CASES = [
    bad("handler", configured("handler: handler.py\n"), "`handler`", "the manifest decides"),
    bad("model name", configured("modelName: m\n"), "`modelName`"),
    good("options of a handler", configured("handler:\n  profile: true\n")),
]

from tests.rules.archives import handled, sample
from tests.rules.builders import bad, good

CASES = [
    bad(
        "its length",
        handled(b"def handle(data, context):\n    return ['ok'] * len(data)\n"),
        "has no len()",
        severity="error",
    ),
    bad("a loop", handled(b"def handle(data, context):\n    return [row for row in data]\n"), "not iterable"),
    bad(
        "perhaps",
        handled(b"def handle(data, context):\n    if context.x:\n        return [data[0]]\n    return [1]\n"),
        "data",
        severity="warning",
    ),
    good("guarded", sample("good_function.mar")),
    good("or nothing", handled(b"def handle(data, context):\n    return [row for row in data or []]\n")),
    good(
        "guarded by truth",
        handled(b"def handle(data, context):\n    if not data:\n        return None\n    return [data[0]]\n"),
    ),
]

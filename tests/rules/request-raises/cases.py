from tests.rules.archives import ECHO, handled
from tests.rules.builders import bad, good

CASES = [
    bad(
        "always",
        handled(ECHO.replace(b'return ["ok"] * len(data)', b"raise ValueError('expected RGB')")),
        "expected RGB",
    ),
    good(
        "perhaps",
        handled(
            ECHO.replace(
                b'return ["ok"] * len(data)',
                b"if not data:\n            raise ValueError('x')\n        return list(data)",
            )
        ),
    ),
]

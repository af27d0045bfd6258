from tests.rules.archives import ECHO, handled, sample
from tests.rules.builders import bad, good

CASES = [
    bad(
        "raises", handled(ECHO.replace(b"self.ready = True", b"raise ValueError('no labels')")), "ValueError: no labels"
    ),
    bad("a key", sample("handler_key_error.mar"), "KeyError", "serializedFile"),
    bad("at import", sample("config_workers_and_broken.mar"), "ValueError: no"),
    good(
        "perhaps",
        handled(ECHO.replace(b"self.ready = True", b"if not context.manifest:\n            raise ValueError('no')")),
    ),
    good(
        "caught",
        handled(
            ECHO.replace(
                b"self.ready = True",
                b"try:\n            raise ValueError('no')\n        except ValueError:\n            pass",
            )
        ),
    ),
]

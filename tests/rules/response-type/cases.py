from tests.rules.archives import ECHO, handled, mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("a dict", sample("based_postprocess_dict.mar"), "returns a dict"),
    bad("text", sample("handler_returns_text.mar"), "returns a str"),
    bad("nothing", sample("handler_returns_nothing.mar"), "returns a NoneType"),
    bad("async", sample("handler_async.mar"), "returns a coroutine"),
    bad("two", sample("handler_two_results.mar"), "a list of 2"),
    bad("twice the batch", handled(ECHO.replace(b'["ok"]', b'["a", "b"]')), "2 times the batch"),
    bad(
        "one for a batch",
        mar(
            {"handler.py": ECHO.replace(b'["ok"] * len(data)', b'["ok"]'), "model-config.yaml": "batchSize: 4\n"},
            configFile="model-config.yaml",
        ),
        "`batchSize` is 4",
        severity="warning",
    ),
    bad("a generator", sample("handler_generator.mar"), "returns a generator"),
    good("a list", sample("good_echo.mar")),
    good("one", handled(ECHO.replace(b'["ok"] * len(data)', b'["ok"]'))),
    good(
        "a list that grows",
        handled(
            ECHO.replace(
                b'return ["ok"] * len(data)',
                b"found = []\n        for row in data:\n            found.append(row)\n        return found",
            )
        ),
    ),
    good("a guard", sample("good_function.mar")),
]

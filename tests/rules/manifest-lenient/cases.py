from tests.rules.archives import manifest_of, sample
from tests.rules.builders import bad, good

CASES = [
    bad("a comment", sample("manifest_comment.mar"), "the worker does not", "JSONDecodeError"),
    bad("a byte order mark", sample("manifest_byte_order_mark.mar"), "BOM"),
    bad("single quotes", manifest_of(b"{'model': {'modelName': 'm', 'handler': 'handler.py'}}"), "JSONDecodeError"),
    good("strict", sample("good_echo.mar")),
]

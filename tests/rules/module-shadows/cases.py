from tests.rules.archives import ECHO, NONE, mar, sample
from tests.rules.builders import bad, good

CASES = [
    bad("queue", sample("handler_types_file.mar"), "`queue.py` hides the module `queue`", severity="error"),
    bad(
        "the handler itself", mar({"handler.py": NONE, "json.py": ECHO}, handler="json.py"), "`json.py`", "JSONEncoder"
    ),
    bad("only torch's", mar({"gzip.py": b""}), "gzip", severity="warning"),
    good("not imported", sample("good_test_module.mar")),
    good("frozen", mar({"os.py": b"", "sys.py": b""})),
    good("below", mar({"nets/json.py": b""})),
]

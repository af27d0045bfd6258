from tests.rules.archives import manifest_of, sample
from tests.rules.builders import bad, good

CASES = [
    bad("YAML", manifest_of(b"model: m\nhandler: handler.py\n"), "not JSON", "Failed to parse signature.json."),
    bad("empty", sample("manifest_empty.mar"), "empty", "NullPointerException"),
    bad("a null model", sample("manifest_null_model.mar"), "null"),
    bad("a trailing comma", sample("manifest_trailing_comma.mar"), "not JSON"),
    bad("a list as name", manifest_of({"model": {"modelName": ["m"]}}), "`modelName`", "must be a text"),
    good("lenient", sample("manifest_comment.mar")),
    good("strict", sample("good_echo.mar")),
]

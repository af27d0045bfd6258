from tests.rules.builders import STATE, WALKED, bad, good, raw

PAGE = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>Sign in</body></html>\n"
DENIED = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'

CASES = [
    bad("HTML", raw(PAGE), "404 Not Found", "invalid load key, '<'.", "Unsupported operand 60", severity="error"),
    bad("HTML met while walking", raw(PAGE, "model.bin"), "HTML page", context=WALKED),
    bad("XML of an object store", raw(DENIED, "model.safetensors"), "AccessDenied"),
    bad("JSON", raw(b'{"error":"Repository not found"}'), "Repository not found", "Unsupported operand 123"),
    bad("a JSON error under any name", raw(b'{"error":"Repository not found"}', "download"), "Repository not found"),
    bad("a line of text", raw(b"Entry not found"), "Entry not found"),
    bad("JSON that is no error", raw(b'{"hidden_size": 3}'), "JSON"),
    bad("copied as text", raw("PK\u0003\u0004".encode("utf-16")), "UTF-16"),
    good("a page by its name", raw(PAGE, "index.html")),
    good("a read-me", raw(b"How to use this model", "README.md")),
    good("the model itself", STATE),
]

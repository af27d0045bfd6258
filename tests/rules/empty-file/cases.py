from tests.rules.builders import STATE, WALKED, bad, good, raw, skipped

CASES = [
    bad("empty", raw(b""), "the file is empty", "EOFError: Ran out of input", severity="error"),
    bad("empty safetensors", raw(b"", "m.safetensors"), "header too small", context=WALKED),
    bad("zeros", raw(bytes(4096)), "4.1 kB that are all zero", "legacy .tar format", severity="error"),
    skipped("an empty marker met while walking", raw(b"", "py.typed"), "empty", context=WALKED),
    good("zeros as weights", STATE),
    good("a line feed", raw(b"\n")),
]

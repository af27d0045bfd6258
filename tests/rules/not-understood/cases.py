from tests.rules.builders import STATE, STRICT_WALKED, WALKED, bad, checkpoint, good, raw, skipped

JUNK = checkpoint("unknown", state="not understood", size_bytes=4096)
NOISE = raw(bytes(range(7, 250)) * 20)

CASES = [
    bad("named by the user", JUNK, "not understood", "4.1 kB", "`file model.pt`", severity="error"),
    bad("walked, strict", JUNK, "not understood", severity="error", context=STRICT_WALKED),
    skipped("walked", JUNK, "not understood", context=WALKED),
    bad("the advice of the reader is the fix", JUNK._replace(advice="ask Alice"), "ask Alice"),
    bad("noise in a file", NOISE, "not understood"),
    bad("what torch says", NOISE, "invalid load key, '\\x07'.", "Unsupported operand 7"),
    skipped("noise in a walked file", NOISE, "not understood", context=WALKED),
    good("a state_dict", STATE),
    good("another format", checkpoint("onnx", state="recognised")),
    good("a damaged file", checkpoint(state="unreadable")),
]

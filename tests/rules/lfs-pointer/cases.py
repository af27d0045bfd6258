from tests.rules.builders import STATE, WALKED, bad, good, raw, skipped

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 102400\n"

CASES = [
    bad("under the name of a model", raw(POINTER), "Git LFS pointer of 131 bytes", "git lfs pull", severity="error"),
    bad("met while walking", raw(POINTER, "model.bin"), "never fetched", context=WALKED),
    bad("what torch says", raw(POINTER), "invalid load key, 'v'.", "Unsupported operand 118"),
    bad("what safetensors says", raw(POINTER, "m.safetensors"), "header too large"),
    bad("git-annex", raw(b"/annex/objects/SHA256E-s1--0.pt\n"), "git-annex pointer", "git annex get"),
    skipped("a picture met while walking", raw(POINTER, "cat.png"), "pointer", context=WALKED),
    good("the model itself", STATE),
    good("a text about pointers", raw(b"the version https://git-lfs.github.com/spec/v1 is current")),
]

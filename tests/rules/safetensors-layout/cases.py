from tests.rules.builders import STATE, bad, checkpoint, good, problem, raw, safetensors

F32 = "F32"

HEADER = b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}'
TWICE = len(HEADER).to_bytes(8, "little") + HEADER + bytes(16)

CASES = [
    bad(
        "overlap",
        safetensors({"a": (F32, [4], 0, 16), "b": (F32, [2], 8, 16)}, bytes(16)),
        "tensors overlap",
        "`b`",
        'InvalidOffset("a")',
        severity="error",
    ),
    bad("hole", safetensors({"a": (F32, [1], 0, 4), "b": (F32, [1], 8, 12)}, bytes(12)), "between the tensors", "`b`"),
    bad("bytes at the end", safetensors({"a": (F32, [1], 0, 4)}, bytes(9)), "5 bytes"),
    bad("shape", safetensors({"a": (F32, [3], 0, 16)}, bytes(16)), "shape, dtype and offsets", "12 bytes"),
    bad("no JSON", raw((40).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[2,2],"data_', "m.safetensors")),
    bad("unknown dtype", safetensors({"a": ("F12", [2], 0, 4)}, bytes(4)), "F12"),
    bad(
        "one cause, one finding",
        checkpoint("safetensors", problems=[problem("safetensors-hole"), problem("safetensors-overlap")]),
        "tensors overlap",
    ),
    bad("described twice", raw(TWICE, "m.safetensors"), "`a` is described twice"),
    good("in order", safetensors({"a": (F32, [2], 0, 8), "b": (F32, [2], 8, 16)}, bytes(16))),
    good("out of order in the header", safetensors({"b": (F32, [2], 8, 16), "a": (F32, [2], 0, 8)}, bytes(16))),
    good("a scalar and an empty tensor", safetensors({"a": (F32, [], 0, 4), "e": (F32, [0, 3], 4, 4)}, bytes(4))),
    good("cut off", safetensors({"a": (F32, [4], 0, 16)}, bytes(8))),
    good("a torch file", STATE),
]

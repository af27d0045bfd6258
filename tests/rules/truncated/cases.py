from tests.rules.builders import (
    LEGACY,
    STATE,
    bad,
    checkpoint,
    edited,
    good,
    problem,
    safetensors,
    saved,
    storage,
    tensor,
)

CUT = problem("truncated", "it has no zip directory at its end", byte=4_000_000)
STORAGES = [
    storage("0", 1_000_000),
    storage("1", 1_000_000, stored_bytes=500_000),
    storage("2", 1_000_000, record=None, stored_bytes=None),
]
TENSORS = [tensor(name, (1000, 1000), storage=index) for index, name in enumerate(("a", "b", "c"))]
HALF = checkpoint(tensors=TENSORS, storages=STORAGES, problems=[CUT], state="unreadable", size_bytes=4_500_000)


def fused():
    import torch

    return {f"layer{number}.weight": torch.zeros(1000) for number in range(10)}


CASES = [
    bad(
        "what is missing",
        HALF,
        "cut off after 4.5 MB: 7.5 MB of 12.0 MB of tensors are missing",
        "missing: 2 tensors of 3: `b` and `c`",
        "failed finding central directory",
        "sha256sum model.pt",
        severity="error",
    ),
    bad("nothing known of the tensors", checkpoint(state="unreadable", problems=[CUT]), "cut off after 1.0 kB"),
    bad("legacy", checkpoint("torch-legacy", problems=[CUT]), "unexpected EOF"),
    bad(
        "safetensors by hand", checkpoint("safetensors", problems=[CUT]), "incomplete metadata, file not fully covered"
    ),
    bad("the first bytes of a zip", edited(STATE, lambda data: data[:30]), "cut off after 30 bytes"),
    bad(
        "half of a zip",
        edited(saved(fused), lambda data: data[: len(data) // 2]),
        "of tensors are missing",
        "5 tensors of 10: `layer5.weight`",
    ),
    bad("a zip without its last byte", edited(STATE, lambda data: data[:-1]), "cut off"),
    bad("a legacy file cut in its tensors", edited(LEGACY, lambda data: data[:-4]), "4 bytes of 76 bytes of tensors"),
    bad("a legacy file cut in its pickle", edited(LEGACY, lambda data: data[:200]), "cut off"),
    bad("safetensors", safetensors({"a": ("F32", [4], 0, 16)}, bytes(8)), "8 bytes of 16 bytes of tensors", "`a`"),
    good("whole zip", STATE),
    good("whole legacy file", LEGACY),
    good("whole safetensors", safetensors({"a": ("F32", [4], 0, 16)}, bytes(16))),
    good("damaged in the middle", checkpoint(problems=[problem("damaged")])),
    good("cannot be read at all", checkpoint(problems=[CUT, problem("unreadable")], state="unreadable")),
]

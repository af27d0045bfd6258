from tests.rules.builders import LEGACY, STATE, bad, checkpoint, good, problem, repacked

CASES = [
    bad(
        "two pickles",
        repacked(STATE, add={"model/data.pkl": b"\x80\x02}q\0."}),
        "`model/data.pkl`",
        "more than once",
        severity="error",
    ),
    bad("two storages", repacked(STATE, add={"model/data/0": bytes(64)}), "`model/data/0`"),
    bad("in another case", repacked(STATE, add={"model/DATA.PKL": b"N."}), "more than once"),
    bad("one finding for many", checkpoint(problems=[problem("duplicate-member", member=f"a/{n}") for n in "xyz"])),
    bad(
        "safetensors",
        checkpoint("safetensors", problems=[problem("duplicate-member", "tensor `a` is described twice")]),
        "the header describes tensors",
        "`a` is described twice",
    ),
    good("a state_dict", STATE),
    good("a legacy file", LEGACY),
    good("equal names in other folders", repacked(STATE, add={"model/extra/version": b"3\n"})),
]

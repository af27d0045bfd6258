from tests.rules.builders import LEGACY, STATE, bad, good, repacked

BIG = repacked(STATE, change={"byteorder": lambda _: b"big"})

CASES = [
    bad("marked", BIG, "swaps their bytes", "model/byteorder", severity="warning"),
    bad("for a torch that obeys", BIG, severity="warning", torch="2.1.0"),
    bad("for a torch that ignores it", BIG, "reads garbage", severity="error", torch="2.0.1"),
    good("little", STATE, torch="2.0.1"),
    good("no record", repacked(STATE, drop=("byteorder",))),
    good("a legacy file", LEGACY),
]

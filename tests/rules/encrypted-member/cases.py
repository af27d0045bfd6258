from tests.rules.builders import STATE, bad, checkpoint, edited, flags_set, good, problem

CASES = [
    bad("by hand", checkpoint(problems=[problem("encrypted-member", "is encrypted", member="archive/data.pkl")]),
        "1 member of the archive is encrypted", "unsupported encryption", severity="error"),
    bad("marked as encrypted", edited(STATE, lambda data: flags_set(data, 0x1)), "encrypted"),
    bad("strong encryption", edited(STATE, lambda data: flags_set(data, 0x40)), "encrypted"),
    bad("an encrypted zip", checkpoint("encrypted-zip", state="recognised"), "the archive is encrypted"),
    good("a state_dict", STATE),
    good("names in UTF-8", edited(STATE, lambda data: flags_set(data, 0x8))),
]  # fmt: skip

from tests.rules.builders import LEGACY, STATE, bad, checkpoint, edited, good, problem, repacked

BEFORE = problem("prepended-data", "8 bytes stand before the archive")
AFTER = problem("appended-data", "100 bytes follow the archive")


def twice(folder):
    path = repacked(STATE)(folder)
    path.write_bytes(path.read_bytes() * 2)
    return path


CASES = [
    bad("before", checkpoint(problems=[BEFORE]), "before the archive", severity="error"),
    bad("after", checkpoint(problems=[AFTER]), "behind the end of the model", severity="warning"),
    bad("both", checkpoint(problems=[BEFORE, AFTER]), hits=2),
    bad("two archives in one file", twice, "before the archive", severity="error"),
    bad("junk before a zip", edited(STATE, lambda data: b"JUNKJUNK" + data), "8 bytes"),
    bad("zeros after a zip", edited(STATE, lambda data: data + bytes(100)), "100 bytes"),
    bad("zeros after a legacy file", edited(LEGACY, lambda data: data + bytes(50)), "behind the end"),
    good("a state_dict", STATE),
    good("a legacy file", LEGACY),
    good("a cut file", checkpoint(problems=[problem("truncated"), AFTER])),
]

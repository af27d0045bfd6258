from tests.rules.builders import STATE, bad, checkpoint, good, problem, repacked, storage, tensor

SHORT = problem("short-record", "has 8 bytes, its tensors need 64 bytes", member="archive/data/0")
LONG = problem("long-record", "has 72 bytes, its tensors need 64 bytes", member="archive/data/0")
STORED = storage(stored_bytes=8)
CUT = checkpoint(tensors=[tensor("w", storage=0)], storages=[STORED], problems=[SHORT])

CASES = [
    bad("short", CUT, "1 record of tensors is too short", "`w`", "uninitialised memory", severity="error"),
    bad("short for a release that sees it", CUT, "record size", severity="error", torch="2.13.0"),
    bad("long", checkpoint(problems=[LONG]), "longer than the tensors in it", "72 bytes", severity="warning"),
    bad("long for a release that refuses it", checkpoint(problems=[LONG]), severity="error", torch="2.10.0"),
    bad("long for one that does not", checkpoint(problems=[LONG]), severity="warning", torch="2.9.1"),
    bad(
        "cut in the archive", repacked(STATE, change={"data/0": lambda data: data[:8]}), "too short", "64 bytes", "`w`"
    ),
    bad("padded", repacked(STATE, change={"data/0": lambda data: data + bytes(8)}), "longer", severity="warning"),
    good("a state_dict", STATE),
    good("the end of the file is missing", checkpoint(problems=[problem("truncated"), SHORT])),
]

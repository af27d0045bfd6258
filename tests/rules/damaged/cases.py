from tests.rules.builders import STATE, bad, checkpoint, edited, good, problem, repacked, saved

CRC = problem("bad-crc", "its bytes do not have the checksum that the archive states", member="archive/data.pkl")
PICKLE = problem("pickle-damaged", "unknown opcode 0xff", member="archive/data.pkl", byte=40)


def flipped(data: bytes) -> bytes:
    at = data.index(b"collections") + 1
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def ordered():
    import collections

    import torch

    return collections.OrderedDict(w=torch.zeros(2))


CASES = [
    bad("a checksum", checkpoint(problems=[CRC]), "bytes do not match their checksum in `archive/data.pkl`"),
    bad(
        "one cause, one finding",
        checkpoint(problems=[CRC, PICKLE], state="unreadable"),
        "the pickle is damaged in `archive/data.pkl`",
        "unknown opcode 0xff",
        "do not have the checksum",
        "40",
        severity="error",
    ),
    bad("unreadable and nobody says why", checkpoint(state="unreadable"), "the file is damaged"),
    bad(
        "unreadable, and only bytes behind it were seen",
        checkpoint(problems=[problem("appended-data")], state="unreadable"),
        "the file is damaged",
        severity="error",
    ),
    bad("a flipped byte in the pickle", edited(saved(ordered), flipped), "`model/data.pkl`", "checksum"),
    bad(
        "a version that is no number", repacked(STATE, change={"version": lambda _: b"abc"}), "`version` record", "abc"
    ),
    bad("no version", repacked(STATE, drop=("version",)), "`version` record is missing"),
    bad("a byte order of its own", repacked(STATE, change={"byteorder": lambda _: b"middle"}), "middle", "endianness"),
    bad("no folder", repacked(STATE, rename=lambda name: name.split("/", 1)[1]), "not in a folder of their own"),
    bad(
        "two folders",
        repacked(STATE, rename=lambda name: name.replace("model/", "other/", 1) if "data/1" in name else name),
        "several folders",
        "not in a subdirectory",
    ),
    bad("no pickle", repacked(STATE, drop=("data.pkl",)), "has no `data.pkl`", "failed locating file data.pkl"),
    bad("a pickle of rubbish", repacked(STATE, change={"data.pkl": lambda _: b"garbage"}), "the pickle is damaged"),
    bad("text mode", edited(STATE, lambda data: data.replace(b"\n", b"\r\n"))),
    good("a whole file", STATE),
    good("a big-endian file", repacked(STATE, change={"byteorder": lambda _: b"big"})),
    good("cut off", checkpoint(problems=[problem("truncated"), CRC, PICKLE], state="unreadable")),
    good("encrypted", checkpoint(problems=[problem("encrypted-member"), problem("damaged")], state="unreadable")),
    good("another folder name", repacked(STATE, rename=lambda name: name.replace("model/", "x/", 1))),
]

from tests.rules.archives import mar, sample
from tests.rules.builders import bad, edited, good


def drop_from_directory(data):
    """The zip with the first member gone from its directory."""
    at = data.find(b"PK\x01\x02")
    second = data.find(b"PK\x01\x02", at + 4)
    end = data.rfind(b"PK\x05\x06")
    tail = bytearray(data[end:])
    for offset in (8, 10):
        tail[offset] -= 1
    size = int.from_bytes(tail[12:16], "little") - (second - at)
    tail[12:16] = size.to_bytes(4, "little")
    return data[:at] + data[second:end] + bytes(tail)


CASES = [
    bad("linked", sample("tar_linked_handler.tar.gz"), "empty file", severity="warning"),
    bad("unlisted", edited(mar({"X.txt": b""}), drop_from_directory), "does not list"),
    good("one view", mar({"labels.txt": b""})),
]
